/* Names of England, in the order of how common they are among people of working age, and what the rarer ones are made of. */
#include "tests/data/names.h"

const struct ck_data_origin ck_data_english = {
	.name = "english",
	.female =
	"Sarah Susan Karen Emma Claire Julie Elizabeth Helen Jane Margaret Laura Rebecca Nicola Lisa Joanne Rachel Amanda Samantha Louise Charlotte "
	"Catherine Jennifer Michelle Tracey Victoria Alison Hannah Jessica Lucy Angela Deborah Sharon Sophie Gemma Kelly Katie Caroline Anne Christine "
	"Kate Amy Natalie Stephanie Jacqueline Lauren Emily Wendy Chloe Linda Anna Lesley Jayne Danielle Alice Kathryn Georgina Paula Kerry Ruth Hayley "
	"Megan Leanne Katherine Abigail Heather Olivia Jenny Dawn Marie Mary Bethany Holly Teresa Gillian Zoë Zoe Melanie Judith Kirsty Carol Lorraine "
	"Beverley Maria Debra Donna Lynn Tina Patricia Hilary Harriet Eleanor Georgia Natasha Joanna Naomi Clare Sally Rosie Rosemary Diane Jill Eve "
	"Phoebe Imogen Chloë Renée Beatrice Frances Grace Molly Ellie Poppy Daisy Ella Freya Matilda Florence Philippa Penelope Tamsin Verity Gwendoline "
	"Esther Miriam Bryony Amelia Eloise Zara Tabitha Sara Rachael Carolyn Catharine Kathleen Sandra Maureen Denise Lynne Susanne Suzanne Vicky",
	.male =
	"David Paul Andrew Mark John Michael Stephen Christopher Richard James Matthew Robert Ian Simon Peter Steven Daniel Jonathan Anthony Adam "
	"Thomas Martin Gary Philip Kevin Neil Nicholas Lee Graham Alan Benjamin Craig Darren Joseph Jason Stuart William Timothy Ryan Luke Jack "
	"Samuel Alexander Colin Keith Nigel Jamie Wayne Carl Dean Edward Barry Shaun Gareth Ben Joshua Sean George Roger Adrian Oliver Nathan Trevor "
	"Charles Scott Liam Jonathon Jon Tom Sam Steve Dave Chris Geoffrey Jeffrey Russell Raymond Phillip Derek Harry Charlie Lewis Alex Aaron Marcus "
	"Julian Dominic Gavin Brian Kenneth Malcolm Roy Leslie Clive Duncan Howard Gordon Toby Rupert Hugh Henry Max Elliot Elliott Jacob Callum Connor "
	"Bradley Joel Reece Kieran Karl Ashley Damian Francis Leon Louis Theo Theodore Freddie Frederick Arthur Edmund Crispin Barnaby Giles Piers "
	"Tristan Austin Harvey Ellis Spencer Jordan Tyler Kyle Zachary Noah Reuben Isaac Ethan Dylan Owen Rory Fraser Graeme Geoff Stewart Jeremy",
	.surnames =
	"Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke "
	"Thomas Lewis Hughes Edwards Hill Harris Martin Turner Clark Cooper Ward Moore Morris Watson King Baker Harrison Morgan Allen Young Scott "
	"James Phillips Parker Davis Bennett Lee Cook Price Griffiths Shaw Bailey Carter Richardson Collins Mitchell Bell Marshall Cox Richards Adams "
	"Simpson Chapman Ellis Wilkinson Webb Rogers Foster Mills Hunt Owen Palmer Holmes Powell Knight Matthews Lloyd Gibson Mason Dixon Fisher Barnes "
	"Graham Stevens Kelly Fletcher Butler Pearson Barker Jenkins Murray Saunders Howard Andrews Reynolds Dawson Harvey Fox Elliott Day Lawrence "
	"Cole Atkinson Payne Brooks Spencer Gray Rose Hart Newman Burton West Perry Dunn Francis Hudson Carr Gardner Stephens Williamson Berry Chambers "
	"Armstrong Hawkins Watts Nicholson Grant Perkins Ford Bird Lane Burgess Woods Ryan Cunningham Warren Austin Willis Hayes Wells Black Duncan "
	"Parsons Porter Bates Stone Woodward Sutton Johnston Stevenson Bishop Rice Townsend Hammond Hopkins Burns Nash Lawson Bradley Fuller "
	"Smyth Smythe Clark Clerk Allan Philips Reid Read Reed Steven Tailor Browne Whyte Greene Davison Davidson Tomlinson Thomson Hewitt Hewett "
	"Barnett Barrett Cross Freeman Wade Kemp Moss Dean Goddard Page Norris Poole Potter Pratt Preston Coleman Cooke Holland Frost Cartwright",
	.begins =
	"Ash Brad Thorn Hart Whit Black Red Hol Long Short Lang Stan Wink Wal War Nor Sut Wes Eas Mid Brom Birch Elm Oak Alder Lind Haw Beck Burn Brook "
	"Mar Mer Sea Shel Sher Ship Stock Stoke Stow Swan Swin Tat Thur Tid Tun Up Wad Wake Wel Wen Wey Wick Wil Win Wood Wy Bar Bas Bel Ben Ber Bil Bla "
	"Bol Bos Brace Brent Bris Buck Bur Cal Can Car Chad Chal Char Ches Clay Clif Col Cos Cran Crow Cud Dal Den Der Ding Dray Dun Ed El Fair Far Fen "
	"Fern Gar Gold Gran Had Hal Ham Hay Heath Hen Hert Hes High Hod Horn Hul Hunt Kel Ken Kim King Lam Lat Laver Leigh Lind Lod",
	.ends =
	"ley ton ford worth wood ham by field well bourne shaw gate man son ridge croft dale bury combe hurst stead low don den more land wick ing ings "
	"ward bridge brook holme thorpe way leigh side stone wright house water cliffe head ell ett kin kins er",
	.join = '-',
	.tail_percent = 42,
	.double_percent = 4,
};
