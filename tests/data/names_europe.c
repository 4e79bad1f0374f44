/* Names of those who came from the rest of Europe. Polish surnames in -ski and -cki have a form for women. */
#include "tests/data/names.h"

const struct ck_data_origin ck_data_polish = {
	.name = "polish",
	.female =
	"Anna Katarzyna Agnieszka Małgorzata Joanna Magdalena Monika Ewa Barbara Aleksandra Beata Karolina Paulina Justyna Dorota Aneta Iwona "
	"Marta Natalia Sylwia Renata Kinga Weronika Elżbieta Grażyna Bożena Łucja Żaneta Oliwia Wiktoria Zofia Zuzanna Jadwiga Halina Danuta Urszula",
	.male =
	"Piotr Krzysztof Tomasz Paweł Marcin Michał Grzegorz Łukasz Adam Andrzej Jan Marek Rafał Mariusz Dariusz Kamil Wojciech Jakub Mateusz "
	"Bartosz Sławomir Radosław Zbigniew Robert Jarosław Przemysław Dawid Sebastian Artur Maciej Stanisław Zdzisław Józef Błażej Bogusław Tadeusz",
	.surnames =
	"Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Jankowski Mazur Wojciechowski "
	"Kwiatkowski Krawczyk Kaczmarek Piotrowski Grabowski Zając Pawłowski Michalski Król Wieczorek Jabłoński Wróbel Nowakowski Majewski Olszewski "
	"Stępień Malinowski Jaworski Adamczyk Dudek Nowicki Pawlak Górski Witkowski Walczak Sikora Baran Rutkowski Michalak Szewczyk Ostrowski Tomaszewski "
	"Pietrzak Zalewski Wróblewski Marciniak Jasiński Zawadzki Bąk Jakubowski Sadowski Duda Włodarczyk Chmielewski Borkowski Sokołowski Szczepański",
	.begins =
	"Bor Brzoz Buk Czar Dęb Dobr Gaj Głow Grab Jan Jar Jawor Kal Klim Kos Krak Kras Kuj Las Lip Lub Łuk Mal Mar Mil Mod Mosz Ol Pan Piet Rad Rog Rud "
	"Sam Sien Sosn Stan Star Stas Szczyt Święt Tar Tom Urb Wal Wil Wit Woj Zabor Zar Żel Żur",
	.ends = "owski ewski iński czyk iak ak ek owicz ewicz ański icki ecki uk arz",
	.tail_percent = 35,
	.join = '-',
	.double_percent = 3,
	.feminine = true,
};

const struct ck_data_origin ck_data_romanian = {
	.name = "romanian",
	.female = "Maria Elena Ana Ioana Andreea Mihaela Alexandra Cristina Daniela Gabriela Raluca Simona Alina Roxana Bianca Ștefania Mădălina Lăcrămioara Oana Corina",
	.male = "Andrei Alexandru Mihai Ion Ioan Gheorghe Ștefan Cristian Bogdan Adrian Florin Marius Răzvan Vasile Nicolae Constantin Dănuț Cătălin Ionuț Lucian Sorin",
	.surnames =
	"Popescu Ionescu Popa Radu Dumitru Stan Stoica Gheorghe Matei Ciobanu Rusu Munteanu Șerban Constantin Lazăr Dinu Marin Florea Dobre Barbu Mocanu "
	"Nistor Neagu Moldovan Bălan Crăciun Țăranu Ardelean Oprea Voicu Iancu Lungu Toma Sandu Anghel Costea Manole Zamfir Tănase Pârvu Drăgan Ghiță",
	.begins = "Andre Anton Bogd Const Dumitr Florea Georg Grigor Ilie Ion Ivan Mihăil Nicol Petr Radul Stef Tudor Vasil Zahar Mari",
	.ends = "escu eanu oiu ache aru iu",
	.tail_percent = 20,
	.join = '-',
	.double_percent = 2,
};

const struct ck_data_origin ck_data_iberian = {
	.name = "iberian",
	.female = "María Carmen Ana Lucía Inês Beatriz Sofía Isabel Marta Catarina Joana Mónica Raquel Cristina Patrícia Concepción Pilar Inés Begoña Nuria Belén Ângela",
	.male = "José João António Antonio Manuel Francisco Luís Miguel Pedro Carlos Jorge Rui Tiago Nuno Álvaro Andrés Iñigo Javier Jesús Óscar Ramón Sérgio Gonçalo",
	.surnames =
	"Silva García Santos Fernández Ferreira González Rodríguez Pereira López Oliveira Martínez Costa Sánchez Rodrigues Pérez Martins Gómez Jesus Martín "
	"Sousa Jiménez Fernandes Ruiz Gonçalves Hernández Gomes Díaz Lopes Moreno Marques Muñoz Alves Álvarez Almeida Romero Ribeiro Alonso Pinto Gutiérrez "
	"Carvalho Navarro Teixeira Torres Moreira Domínguez Correia Vázquez Mendes Ramos Nunes Gil Soares Ramírez Vieira Serrano Monteiro Núñez Peña Ibáñez",
	.join = ' ',
	.double_percent = 60,
};

const struct ck_data_origin ck_data_italian = {
	.name = "italian",
	.female = "Giulia Francesca Maria Anna Chiara Sara Laura Valentina Alessandra Silvia Elena Federica Paola Giovanna Rosa Lucia Teresa Concetta",
	.male = "Giuseppe Giovanni Antonio Mario Luigi Francesco Andrea Marco Alessandro Salvatore Vincenzo Stefano Paolo Niccolò Roberto Domenico Carlo Enzo",
	.surnames =
	"Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De_Luca Mancini Costa Giordano Rizzo Lombardi Moretti "
	"Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone Longo Gentile Martinelli Vitale Lombardo Serra D'Angelo D'Amico Nicolò",
	.join = ' ',
	.double_percent = 1,
};

const struct ck_data_origin ck_data_turkish = {
	.name = "turkish",
	.female = "Ayşe Fatma Emine Zeynep Elif Hatice Özlem Gül Gülşen Sevgi Derya Şebnem Ebru Aylin Yasemin Çiğdem Nurcan Pınar Tülay",
	.male = "Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim Murat Ömer Yusuf Emre Burak Çağlar Gökhan Özgür Serkan Tolga Uğur Şükrü",
	.surnames =
	"Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Korkmaz "
	"Çakır Erdoğan Güneş Aktaş Güler Yalçın Bulut Avcı Türk Gül Taş Işık Tekin Erdem Keskin Sarı Acar Ateş",
	.join = '-',
	.double_percent = 1,
};
