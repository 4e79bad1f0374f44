/* Names of South and East Asia, in the spellings of British registers: one name has several. */
#include "tests/data/names.h"

const struct ck_data_origin ck_data_punjabi = {
	.name = "punjabi",
	.female =
	"Harpreet Manpreet Jaspreet Gurpreet Kuldeep Amandeep Rajinder Sukhwinder Balwinder Navdeep Jasvinder Simran Kiran Parminder Ravinder Baljit "
	"Gurinder Jaswinder Kamaljit Manjit Narinder Prabhjot Ranjit Sandeep Satwinder Surinder Tejinder Rupinder Harjit Daljit",
	.male =
	"Gurpreet Harjinder Manjinder Jaswinder Balbir Gurdeep Harpreet Jagdeep Jasbir Kulwinder Mandeep Paramjit Rajdeep Ranjit Sukhdeep Amarjit "
	"Avtar Baldev Charanjit Darshan Gurbachan Gurmit Inderjit Joginder Mohinder Pritpal Satnam Sukhvir Tarsem Upkar",
	.surnames =
	"Singh Kaur Gill Sandhu Dhillon Sidhu Grewal Bains Dhaliwal Mann Johal Rai Sahota Atwal Cheema Virk Bhogal Khaira Chahal Hundal Nijjar Purewal "
	"Sangha Takhar Uppal Bansal Chana Deol Garcha Hayer Kang Lally Matharu Nagra Panesar Randhawa Samra Thandi Uppal Bhamra Ghuman Sohal Basra",
	.join = ' ',
	.double_percent = 12,
};

const struct ck_data_origin ck_data_gujarati = {
	.name = "gujarati",
	.female =
	"Priya Hina Bhavna Nisha Anjali Kavita Meena Reena Sonal Sejal Hetal Jignasa Jyoti Kalpana Komal Mital Nilam Pooja Rupal Shilpa Urvashi "
	"Varsha Daksha Falguni Heena Ila Jaya Kinjal Leena Trupti",
	.male =
	"Rajesh Sanjay Amit Bhavesh Chirag Dipak Hitesh Jayesh Kalpesh Ketan Mahesh Manish Mukesh Nilesh Paresh Pradip Rakesh Sunil Vijay Vipul "
	"Yogesh Anil Ashok Bharat Dilip Girish Harish Jignesh Kirit Nimesh",
	.surnames =
	"Patel Shah Mistry Desai Mehta Parmar Joshi Solanki Chauhan Parekh Modi Trivedi Lad Gandhi Thakkar Thakor Amin Bhatt Dave Doshi Gohil Kotecha "
	"Lakhani Makwana Naik Pandya Popat Rana Raval Sheth Soni Tailor Vaghela Vyas Chudasama Chavda Jethwa Kapadia Lodhia Ruparelia",
	.join = '-',
	.double_percent = 1,
};

const struct ck_data_origin ck_data_pakistani = {
	.name = "pakistani",
	.female =
	"Fatima Aisha Ayesha Zainab Maryam Saima Shazia Nadia Sadia Rukhsana Nasreen Nazia Farah Farzana Samina Rabia Rubina Shabana Shaheen Tahira "
	"Uzma Yasmin Zahra Khadija Hafsa Sana Hina Iqra Kiran Noor Parveen Robina Sumaira Tasneem",
	.male =
	"Mohammed Muhammad Mohammad Ali Ahmed Imran Asif Tariq Usman Bilal Hassan Hamza Shahid Khalid Nadeem Waseem Zahid Adeel Amir Arshad Faisal "
	"Farhan Ibrahim Irfan Javed Kamran Kashif Naveed Omar Rashid Rizwan Saeed Shabir Sohail Umar Yasir Yusuf Zubair",
	.surnames =
	"Khan Hussain Ahmed Ali Malik Iqbal Akhtar Mahmood Shah Begum Bibi Mohammed Mirza Butt Chaudhry Choudhry Raja Rehman Bashir Aslam Ashraf Akram "
	"Hussein Qureshi Rashid Siddiqui Sheikh Shaikh Tariq Yaqoob Zaman Mahmud Nawaz Parveen Rafiq Riaz Saeed Saleem Sharif Younis Anwar Afzal Ansari "
	"Bukhari Dar Farooq Ghani Haider Hameed Javed Kausar Latif Masood Mughal Naseem Rauf Sarwar Shafiq Sultan Zafar",
	.join = '-',
	.double_percent = 2,
};

const struct ck_data_origin ck_data_bengali = {
	.name = "bengali",
	.female =
	"Nasima Rahima Shirin Rehana Salma Taslima Farida Jahanara Nazma Rokeya Sultana Shapla Ruma Mitali Sharmila Moushumi Ananya Ishita Debjani Rina "
	"Paromita Sutapa Hasina Shahana",
	.male =
	"Abdul Shah Mohammed Rahim Karim Kamal Jamal Shafiq Anwar Mizanur Habibur Nurul Shamsul Aminul Arijit Subhash Sourav Partha Debashish Amit Ashis "
	"Pranab Tapan Rafiq",
	.surnames =
	"Begum Miah Rahman Ahmed Islam Uddin Khatun Hossain Choudhury Chowdhury Ali Hoque Haque Akhter Das Roy Ghosh Sarkar Sen Bose Dutta Saha Dey "
	"Banerjee Mukherjee Chatterjee Ganguly Bhattacharya Chakraborty Mitra Paul Biswas Mondal Kundu Nath Talukdar Bhuiyan Sikder Molla Khanom",
	.begins = "Mukho Bando Chatto Gango Bhatta Shahid Abdul Nur Aziz Habib Shams Mahbub",
	.ends = "padhyay charya ul ullah ur rahman uddin zaman",
	.tail_percent = 8,
	.join = '-',
	.double_percent = 1,
};

const struct ck_data_origin ck_data_tamil = {
	.name = "tamil",
	.female = "Priya Lakshmi Kavitha Deepa Meena Revathi Saraswathi Shanthi Sumathi Vasanthi Nithya Gayathri Anitha Bhavani Chithra Indira Malathi Radha Subha",
	.male = "Suresh Ramesh Ganesh Karthik Senthil Vijay Arun Balaji Dinesh Kumar Mohan Murali Prakash Raj Ravi Saravanan Siva Srinivasan Vasanth",
	.surnames =
	"Kumar Rajan Subramaniam Krishnan Nair Pillai Iyer Raman Rao Reddy Menon Perera Fernando Silva Selvam Sivakumar Thangaraj Nadarajah Kandiah "
	"Balasubramaniam Chandran Devan Gopal Murugan Natarajan Padmanabhan Rajaratnam Shanmugam Sundaram Venkatesan Yogarajah",
	.begins =
	"Rama Krishna Venkat Siva Subra Bala Chandra Gopala Jaya Kanaga Kumara Loga Maha Muru Naga Nava Para Puva Raja Ratna Sanga Sarava Selva "
	"Shanmuga Soma Sri Sundara Thanga Theva Vaithi Vija Viswa Yoga",
	.ends = "murthy swamy nathan raman lingam rajah kumar moorthy sekaram ratnam singham thasan pillai samy nesan",
	.tail_percent = 35,
	.join = '-',
	.double_percent = 0,
};

const struct ck_data_origin ck_data_chinese = {
	.name = "chinese",
	.female = "Li Mei Xiu Ying Fang Hui Jing Lan Ling Min Na Ping Qian Rong Shu Ting Wei Xia Yan Yu Zhen Grace Vivian Lily Wing-Yan Ka-Man Siu-Ling",
	.male = "Wei Jian Ming Chen Feng Gang Hao Jun Kai Lei Peng Qiang Tao Xiang Yong Zhi Kevin Jason Raymond Ka-Ho Chi-Wai Kwok-Keung Lü",
	.surnames =
	"Wong Chan Chen Li Lee Wang Zhang Liu Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Cheung Lam Leung Ng Ho Lau Cheng Tang Yip Tsang "
	"Kwok Fung Tse Chow Lai Lo Mak Siu Yeung Yuen Au-Yeung Lü Nguyen Tran Pham",
	.join = ' ',
	.double_percent = 0,
};
