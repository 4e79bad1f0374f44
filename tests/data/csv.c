/* A staff list as a personnel system exports it: its own headings and words, dates as days, one row a person. */
#include <string.h>
#include <time.h>

#include "directory/base/clock.h"
#include "tests/data/output.h"

/* RFC 4180: quoted where it must be. */
static void put_field(FILE *to, const char *text, char after)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, to);
	} else {
		putc('"', to);
		for (; *text != '\0'; text++) {
			if (*text == '"') putc('"', to);
			putc(*text, to);
		}
		putc('"', to);
	}
	putc(after, to);
}

/* YYYY-MM-DD; an open end is an empty field. */
static void put_day(FILE *to, int64_t time_s)
{
	char text[CK_TIME_TEXT_BYTES] = "";
	if (time_s != CK_TIME_UNLIMITED && time_s != CK_TIME_ALWAYS) ck_time_format(time_s, text);
	text[strcspn(text, "T")] = '\0';
	put_field(to, text, ',');
}

void ck_data_csv_header(FILE *to)
{
	fputs("Employee Number,First Name,Middle Name,Last Name,Work Email,Work Telephone,Job Title,Department,Organisation,Start Date,Leaving Date,"
	      "Status,Directory,Login\r\n",
	      to);
}

static const char *status_of(enum ck_data_stay stay)
{
	switch (stay) {
	case CK_DATA_PERMANENT: return "Permanent";
	case CK_DATA_FIXED_TERM: return "Fixed Term";
	case CK_DATA_ON_LEAVE: return "On Leave";
	case CK_DATA_LEFT: return "Left";
	case CK_DATA_TO_COME: return "Starter";
	}
	return "";
}

void ck_data_csv_row(FILE *to, const struct ck_data_person *p)
{
	put_field(to, p->staff_number, ',');
	put_field(to, p->name.given, ',');
	put_field(to, p->name.middle, ',');
	put_field(to, p->name.family, ',');
	put_field(to, p->mail, ',');
	put_field(to, p->telephone, ',');
	put_field(to, p->title, ',');
	put_field(to, p->department, ',');
	put_field(to, p->authority->name, ',');
	put_day(to, p->window.from_s);
	put_day(to, p->window.until_s); /* the day after the last one, as validity ends */
	put_field(to, status_of(p->stay), ',');
	put_field(to, p->listed ? "Yes" : "No", ',');
	put_field(to, p->uid, '\r');
	putc('\n', to);
}
