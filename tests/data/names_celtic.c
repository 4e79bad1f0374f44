/* Names of Scotland (in English and in Gaelic), Ireland and Wales. */
#include "tests/data/names.h"

const struct ck_data_origin ck_data_scottish = {
	.name = "scottish",
	.female =
	"Fiona Aileen Morag Kirsty Catriona Isla Elspeth Shona Lorna Heather Eilidh Ailsa Moira Mhairi Iona Jean Isobel Rhona Senga Agnes Sheila "
	"Margaret Karen Laura Lynne Gillian Jacqueline Nicola Claire Pamela Carol Elaine Lindsay Lesley Alison Susan Jennifer Rona Davina Una",
	.male =
	"Iain Ian Alasdair Alastair Alistair Callum Calum Hamish Angus Euan Ewan Fraser Gregor Rory Ross Stuart Stewart Craig Scott Graeme Graham "
	"Gordon Kenneth Malcolm Neil Donald Duncan Douglas Bruce Keith Lachlan Murdo Finlay Fergus Archie Cameron Blair Colin Derek Gavin",
	.surnames =
	"Campbell Stewart MacDonald McDonald Robertson Thomson Anderson Reid Murray Ross Morrison Fraser Paterson Hamilton Graham Johnston Cameron "
	"Ferguson McKenzie MacKenzie Mackenzie Macdonald Sinclair Wallace Kerr Hunter Henderson Gordon Grant Douglas Sutherland MacLeod McLeod Macleod "
	"McIntosh MacIntosh Mackintosh McKay MacKay Mackay Cunningham Gibson Muir Boyd Craig Crawford Cowan Drummond Dunlop Forbes Innes Kennedy Lindsay "
	"Maxwell McGregor MacGregor McLean MacLean Maclean McMillan MacMillan Munro Ogilvie Pollock Ramsay Rennie Shaw Urquhart Watt Wilkie Buchanan",
	.begins = "Mc Mac",
	.ends =
	"Allister Arthur Askill Aulay Bain Bean Bride Caig Call Callum Cann Caskill Clure Coll Combie Conachie Corquodale Crae Crone Cubbin Diarmid "
	"Dougall Dowell Duff Eachern Eachran Ewan Fadyen Farlane Gee Gill Gillivray Glashan Gowan Grath Guire Hardy Harg Innes Intyre Isaac Ivor Kechnie "
	"Kellar Kendrick Kerracher Killop Kinlay Kinnon Lachlan Laren Laughlin Lellan Lennan Lintock Luckie Lure Manus Master Math Michael Millan Murdo "
	"Nab Nair Naughton Nee Neil Neish Nicol Niven Phail Phee Pherson Quarrie Queen Rae Ritchie Robert Rory Sporran Swan Taggart Tavish Vicar Vurich Whirter",
	.join = '-',
	.tail_percent = 20,
	.double_percent = 3,
};

const struct ck_data_origin ck_data_gaelic = {
	.name = "gaelic",
	.female = "Mòrag Màiri Mairead Ceit Catrìona Sìne Sìleas Iseabail Raonaid Oighrig Peigi Seonag Anna Eilidh Mòr Beathag Flòraidh Marsaili Ealasaid Ùna",
	.male =
	"Dòmhnall Iain Seumas Aonghas Calum Ruairidh Niall Alasdair Coinneach Murchadh Tormod Uilleam Raghnall Eòghann Seòras Lachlann Dùghall "
	"Pàdraig Mìcheal Donnchadh Fionnlagh Teàrlach Uisdean Eachann",
	.surnames =
	"MacDhòmhnaill MacLeòid Moireasdan Caimbeul Friseal MacAoidh MacCoinnich Rothach MacIlleathain MacAonghais MacNèill MacFhionghain Granndach "
	"Mac-an-Tòisich Camshron MacRath MacPhàrlain Stiùbhart MacMhathain Ros MacGriogair MacThòmais MacAmhlaigh Dòmhnallach Nic_a'_Ghobhainn NicLeòid "
	"NicDhòmhnaill NicAoidh NicCoinnich NicNèill NicRath",
	.join = '-',
	.double_percent = 1,
};

const struct ck_data_origin ck_data_irish = {
	.name = "irish",
	.female =
	"Siobhán Siobhan Aoife Ciara Niamh Sinéad Sinead Gráinne Róisín Roisin Orla Órla Máire Bríd Bridget Caitlín Caitlin Deirdre Fionnuala Nuala "
	"Maeve Méabh Saoirse Clodagh Aisling Aislinn Eimear Emer Áine Eithne Úna Noreen Colleen Sheila Eileen Maura Kathleen Bernadette Dervla Sorcha",
	.male =
	"Seán Sean Ciarán Ciaran Kieran Liam Conor Connor Declan Brendan Pádraig Padraig Patrick Eoin Eoghan Cormac Diarmuid Dermot Fergal Fearghal "
	"Gerard Kevin Niall Oisín Rónán Ronan Ruairí Rory Séamus Seamus Tadhg Aidan Brian Cathal Colm Donal Dónal Eamon Éamon Finbar Fintan Martin Micheál",
	.surnames =
	"Murphy Kelly O'Sullivan O'Brien Byrne Ryan O'Connor O'Neill O'Reilly Doyle McCarthy Gallagher Doherty Kennedy Lynch Murray Quinn Moore "
	"McLoughlin O'Carroll Connolly Daly O'Connell Wilson Dunne Brennan Burke Collins Campbell Clarke Johnston Hughes O'Farrell Fitzgerald Brown "
	"Martin Maguire Nolan Flynn Thompson O'Callaghan O'Donnell Duffy O'Mahony Boyle Healy O'Shea White Sweeney Hayes Kavanagh Power McGrath Moran "
	"Brady Stewart Casey Foley Fitzpatrick O'Leary McDonnell MacMahon Donnelly Regan Walsh Walshe Ó_Súilleabháin Nic_Dhonnchadha Ó_Briain Breathnach",
	.begins = "O' Mc Fitz Mac",
	.ends =
	"Hara Grady Hanlon Keefe Malley Meara Rourke Toole Dwyer Driscoll Flaherty Gorman Hagan Kane Halloran Hare Loughlin Looney Nuallain Rahilly "
	"Riordan Scannell Shaughnessy Sheehan Tierney Cabe Cann Court Gann Govern Guinness Hugh Inerney Namara Nally Nulty Sorley Tiernan Gerald Gibbon "
	"Henry Maurice Simon Simmons William Ateer Bride Cluskey Conville Crudden Dermott Elroy Enroe Garry Geown Ginley Goldrick Keown Kernan",
	.join = '-',
	.tail_percent = 18,
	.double_percent = 2,
};

const struct ck_data_origin ck_data_welsh = {
	.name = "welsh",
	.female =
	"Siân Sian Rhian Bethan Catrin Elin Ffion Lowri Nia Nerys Eirlys Megan Carys Cerys Angharad Rhiannon Gwen Gwenllian Mair Menna Delyth Eleri "
	"Heledd Llinos Mererid Myfanwy Olwen Seren Tegan Sioned Siwan Lleucu Manon Mali Cadi Beca Eluned Glenys Morwen Meinir Iola",
	.male =
	"Gareth Rhys Rhŷs Huw Hywel Ieuan Ifan Iwan Llŷr Llywelyn Meirion Owain Geraint Gethin Glyn Gwilym Gwyn Dafydd Dewi Dylan Emyr Aled Alun "
	"Arwel Bryn Carwyn Ceri Elis Emlyn Evan Gruffydd Guto Idris Islwyn Lloyd Maldwyn Mihangel Morgan Osian Rhodri Siôn Steffan Tomos Trefor Tudur Tŵm",
	.surnames =
	"Jones Davies Williams Evans Thomas Roberts Lewis Hughes Morgan Griffiths Edwards Owen James Morris Price Rees Phillips Jenkins Harries "
	"Lloyd Richards Parry Powell Watkins Howells Bowen Davis Humphreys Hopkins Bevan Llewellyn Llewelyn Pritchard Prosser Pugh Vaughan Meredith Ellis "
	"Gwynne Prys Rhys Tudor Cadwaladr Glynne Wynne ap_Rhys ap_Gwilym ap_Dafydd ap_Huw ab_Owain ab_Ifan ap_Siôn Gruffudd Gruffydd Llwyd Penri Probert "
	"Probyn Protheroe Beynon Bebb Breese Eynon Gethin Gough Havard Mathias Mostyn Nanney Yorath",
	.join = '-',
	.double_percent = 7,
};
