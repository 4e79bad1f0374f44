/* Names of West Africa and of Somalia. Yoruba and Igbo names are sentences, made of few parts; some write the marks. */
#include "tests/data/names.h"

const struct ck_data_origin ck_data_yoruba = {
	.name = "yoruba",
	.female =
	"Folake Yetunde Funmilayo Abimbola Adeola Bukola Titilayo Omolara Olufunke Ronke Sade Bisi Tolu Temitope Damilola Kehinde Taiwo Ìyábọ̀ Tèmítọ́pẹ́ "
	"Ọmọlará Morenike Modupe Yemisi Bolanle Adunni Ayo Iyabo Olabisi Simisola",
	.male =
	"Oluwaseun Babatunde Adewale Olumide Tunde Kunle Femi Segun Gbenga Kayode Wale Dele Adebayo Ayodele Babajide Bamidele Olusegun Ọláolú Adékúnlé "
	"Ṣẹ́gun Ìdòwú Oladele Olatunji Rotimi Sola Taiwo Tayo Temitope Akin Bola",
	.surnames =
	"Adeyemi Adebayo Ogunleye Ogundipe Okunola Oladipo Olawale Balogun Bello Lawal Afolabi Ajayi Akinola Alabi Aluko Awolowo Ayodele Bankole Fashola "
	"Idowu Odunsi Ojo Okeowo Olaniyan Olatunji Olayinka Oluwole Omotoso Oyelaran Salami Sanni Shonibare Soyinka Ṣóyínká Adé Ògúnṣànwò Ọbásanjọ́",
	.begins = "Ade Olu Ayo Ola Oye Ogun Fa Ife Akin Baba Oluwa Omo Ire Oba Awo Oje Odu Adegbe Olaolu Alo",
	.ends = "bayo kunle wale tunde yemi femi sola bola dele goke niyi sanya rinde toye ponle dapo laja lola moye wole mide leye nuga tola doyin jimi",
	.tail_percent = 45,
	.join = '-',
	.double_percent = 2,
};

const struct ck_data_origin ck_data_igbo = {
	.name = "igbo",
	.female = "Ngozi Chioma Adaeze Amaka Chinyere Ifeoma Nkechi Nneka Obioma Uche Chiamaka Ezinne Ginika Ijeoma Kelechi Ndidi Nkiru Ogechi Ụzọamaka Chidịmma",
	.male = "Chukwuemeka Emeka Chidi Obinna Ikenna Kelechi Nnamdi Uchenna Chinedu Ebuka Ifeanyi Kenechukwu Okechukwu Onyekachi Ugochukwu Arinze Ọbịọra Chịnedụ Zikora",
	.surnames =
	"Okafor Okeke Okonkwo Eze Nwosu Obi Okoro Onyeka Nwachukwu Chukwu Ezeigwe Ibekwe Igwe Iroha Mbah Ndukwe Nnadi Nwankwo Nweke Obiora Ogbonna "
	"Ojukwu Okoli Okoye Onuoha Onwudiwe Onyeama Opara Orji Osuji Ude Udeh Ugwu Umeh Uzoma Achebe Adichie Azikiwe Emecheta",
	.begins = "Chukwu Nwa Okw Eze Obi Ony Ike Ifea Uche Ugo Ume Ndu Ani Amae Ama Oke Oko Ogb Mba Nna",
	.ends = "eke dike doro emeka ekwu ndu nwa obi oha ora uche uma unkwo ukwu uzo zie mezie meka chi aku",
	.tail_percent = 30,
	.join = '-',
	.double_percent = 1,
};

const struct ck_data_origin ck_data_akan = {
	.name = "akan",
	.female = "Akosua Adwoa Abena Akua Yaa Afua Ama Efua Esi Aba Abenaa Nana Adjoa Serwaa Konadu Gifty Comfort Mercy Patience Araba Ɛfua",
	.male = "Kwame Kofi Kwabena Kwaku Yaw Kwesi Kojo Kwadwo Nana Ekow Fiifi Osei Opoku Akwasi Emmanuel Ebenezer Samuel Isaac Prince Kɔfi",
	.surnames =
	"Mensah Owusu Boateng Osei Asante Appiah Agyeman Amoah Ansah Antwi Addo Adjei Amponsah Asamoah Asare Baah Badu Bediako Boakye Bonsu Danso Darko "
	"Donkor Frimpong Gyamfi Kwarteng Manu Mensa Nkrumah Nti Obeng Oduro Ofori Opoku Oppong Poku Quansah Quaye Sarpong Tetteh Yeboah Acheampong Ankomah",
	.join = '-',
	.double_percent = 8,
};

const struct ck_data_origin ck_data_mande = {
	.name = "mande",
	.female = "Fatou Aminata Mariama Binta Isatou Kumba Awa Adama Fatoumata Hawa Jainaba Kaddy Maimuna Ndey Oumou Rohey Sira Aïssatou Néné",
	.male = "Lamin Modou Ousman Ebrima Alieu Abdoulie Bakary Buba Demba Ibrahima Kebba Mamadou Momodou Musa Omar Saikou Sulayman Yaya Sékou",
	.surnames =
	"Jallow Ceesay Touray Sanneh Bah Barry Bojang Camara Cham Colley Darboe Diallo Diop Drammeh Fofana Gassama Jammeh Jarju Jatta Jawara Kamara Keita "
	"Koroma Kanteh Manneh Marong Mbaye Ndiaye Njie Saho Sarr Secka Sesay Sillah Sow Sowe Traoré Koné",
	.join = '-',
	.double_percent = 1,
};

const struct ck_data_origin ck_data_somali = {
	.name = "somali",
	.female = "Fadumo Amina Hodan Ifrah Khadra Ladan Maryan Nimco Sahra Ubah Ayan Deqa Fartun Hibo Idil Samira Shukri Zamzam Halima",
	.male = "Abdi Mohamed Abdullahi Ahmed Ali Farah Hassan Ibrahim Ismail Jama Mahad Mukhtar Omar Osman Said Yusuf Warsame Liban Guled",
	.surnames = "Mohamed Ali Hassan Ahmed Abdi Farah Osman Omar Ibrahim Yusuf Jama Warsame Hussein Adan Aden Nur Elmi Dahir Egal Guled Hirsi Isse Roble Samatar",
	.join = ' ',
	.double_percent = 25,
};
