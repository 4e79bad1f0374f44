/* `crosskeys vouch` and `crosskeys check`: two people on the telephone make sure of each other. What the key signs is made here, of what the person
   asked for: a gate that lies gets nothing signed but a vouch for that name. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "authd/cli/card.h"
#include "authd/cli/output.h"
#include "authd/protocol/vouch.h"
#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define ASK_AGAIN_MS 500 /* what became of the code */
#define ASK_AFTER_MS 5000 /* its life is the daemon's to count: we ask a little longer */
#define LIFE_S 120 /* of a code, at most: vouch_limit_s in crosskeys.conf(5) */

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
	(void)number;
	stopped = 1;
}

/* No SA_RESTART: a signal ends the pause between two questions. */
static void catch_stops(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_stop };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) (void)sigaction(numbers[i], &action, NULL);
}

/* ---- vouch ---- */

static const struct ck_option vouch_options[] = {
	{ "authority", CK_OPTION_ONE, "NAME", "for any one person of this authority (a help desk), instead of a colleague" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help vouch_help = { "vouch", "[UID]",
	"Proves to a colleague on the telephone that you are who you say: after a touch of your key (--as) you get a code to say to them, for this person "
	"and nobody else, once, within two minutes; they enter it with `crosskeys check`. Waits, and tells who checked; Ctrl-C withdraws the code.",
	0, 1, vouch_options };

/* Made here, not taken from the daemon, but for the id of whom it is for: that is checked against the name when the code is. */
static enum ck_error make_challenge(const struct ck_cli *cli, const char *kind, const char *name, const struct ck_map *prompt,
                                    uint8_t out[CK_CHALLENGE_BYTES])
{
	struct ck_vouch_statement statement = { .user = ck_text_of(cli->as), .kind = ck_text_of(kind), .name = ck_text_of(name) };
	uint8_t bytes[CK_VOUCH_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	enum ck_error error = ck_map_text(prompt, CK_F_SYSTEM, CK_SYSTEM_LIMIT_BYTES, &statement.system);
	if (error == CK_OK) error = ck_map_fixed(prompt, CK_F_ID, statement.id.bytes, sizeof statement.id.bytes);
	if (error == CK_OK) error = ck_map_fixed(prompt, CK_F_NONCE, statement.nonce, sizeof statement.nonce);
	if (error == CK_OK) error = ck_map_int(prompt, CK_F_TIME, &statement.time_s);
	if (error == CK_OK) error = ck_vouch_statement_encode(&statement, bytes, sizeof bytes, &length);
	if (error != CK_OK) return error;
	ck_challenge_of(CK_TAG_VOUCH, sizeof CK_TAG_VOUCH, bytes, length, out);
	return CK_OK;
}

static enum ck_error make_code(struct ck_cli *cli, const char *kind, const char *name, struct ck_map *reply)
{
	static struct ck_ask ask;
	uint8_t challenge[CK_CHALLENGE_BYTES];
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_VOUCH_BEGIN);
	ck_field_string(&ask.frame.map, CK_F_KIND, kind);
	ck_field_string(&ask.frame.map, CK_F_NAME, name);
	ck_field_string(&ask.frame.map, CK_F_AS, cli->as);
	enum ck_error error = ck_ask_call(cli, &ask, reply, &answer);
	if (error != CK_OK) return error;
	if (answer != CK_ANSWER_NEED_TOKEN || make_challenge(cli, kind, name, reply, challenge) != CK_OK) {
		(void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say what to sign");
		return CK_ERR_INTERNAL;
	}
	fprintf(stderr, "Touch your key to vouch to %s that you are %s.\n", ck_cli_safe(ck_text_of(name)), ck_cli_safe(ck_text_of(cli->as)));
	return ck_cli_prove(cli, reply, challenge, reply);
}

static void print_code(const struct ck_cli *cli, const struct ck_card *card, const char *code, int64_t left_s)
{
	const char *who = ck_card_line(card);
	if (cli->json) {
		json_t *object = json_object();
		json_object_set_new(object, "state", json_string("open"));
		json_object_set_new(object, "code", json_string(code));
		json_object_set_new(object, "for", ck_card_json(card));
		json_object_set_new(object, "seconds", json_integer(left_s));
		ck_output_print_json(object);
	} else {
		printf("The code is for %s%s. Say it to nobody else, digit by digit:\n\n    %s\n\n", card->person ? "" : "any one person of ", who, code);
		printf("It is good once, for %lld seconds. Waiting; Ctrl-C withdraws it.\n", (long long)left_s);
	}
	(void)fflush(stdout);
}

struct outcome {
	char state[32];
	struct ck_card checker;
	bool by_somebody;
	int64_t time_s;
};

static enum ck_error ask_state(struct ck_cli *cli, struct outcome *out)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_errmsg err;
	enum ck_answer answer;
	memset(out, 0, sizeof *out);
	ck_ask_begin(&ask, CK_OP_VOUCH_STATE);
	enum ck_error error = ck_ask_quietly(cli, &ask, &reply, &answer, &err);
	if (error == CK_OK) error = ck_map_string(&reply, CK_F_STATE, out->state, sizeof out->state);
	if (error != CK_OK) return error;
	out->by_somebody = ck_map_int(&reply, CK_F_TIME, &out->time_s) == CK_OK && ck_card_read(&reply, &out->checker) == CK_OK;
	return CK_OK;
}

static void withdraw(struct ck_cli *cli)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_errmsg err;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_VOUCH_WITHDRAW);
	if (ck_ask_quietly(cli, &ask, &reply, &answer, &err) != CK_OK) fprintf(stderr, "crosskeys: not withdrawn: %s\n", err.text);
}

/* Asks until it is over. A ledger that is being started again answers a little later, and then knows of no code. */
static enum ck_error await(struct ck_cli *cli, int64_t left_s, struct outcome *out)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };
	int64_t until_ms = ck_clock_monotonic_ms() + left_s * 1000 + ASK_AFTER_MS;
	bool withdrawn = false;
	enum ck_error error = CK_ERR_TIMEOUT;
	while (ck_clock_monotonic_ms() < until_ms) {
		if (stopped && !withdrawn) {
			withdrawn = true;
			withdraw(cli);
		}
		error = ask_state(cli, out);
		if (error == CK_OK && (strcmp(out->state, "open") != 0 || withdrawn)) return CK_OK;
		if (error == CK_ERR_DENIED || !cli->connected || withdrawn) return error == CK_OK ? CK_ERR_UNAVAILABLE : error;
		if (nanosleep(&pause, NULL) != 0 && errno != EINTR) return CK_ERR_INTERNAL;
	}
	return error == CK_OK ? CK_ERR_TIMEOUT : error;
}

static const char *sentence_of(const struct outcome *outcome)
{
	static const char *const sentences[][2] = {
		{ "expired", "Nobody checked the code: its time is over." },
		{ "withdrawn", "The code is withdrawn." },
		{ "replaced", "You have made another code: this one is no longer good." },
		{ "gone", "The code is no longer known, since a part of the daemon was started again: it is not good any more." },
	};
	for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
		if (strcmp(outcome->state, sentences[i][0]) == 0) return sentences[i][1];
	return "The code is over, and it is not known how: do not rely on it.";
}

static int print_outcome(const struct ck_cli *cli, const struct outcome *outcome)
{
	char time[CK_TIME_TEXT_BYTES];
	bool checked = strcmp(outcome->state, "checked") == 0 && outcome->by_somebody;
	bool refused = strcmp(outcome->state, "refused") == 0 && outcome->by_somebody;
	const char *who = outcome->by_somebody ? ck_card_line(&outcome->checker) : "";
	if (outcome->by_somebody) (void)ck_time_format(outcome->time_s, time);
	if (cli->json) {
		json_t *object = json_object();
		json_object_set_new(object, "state", json_string(outcome->state));
		if (outcome->by_somebody) json_object_set_new(object, "by", ck_card_json(&outcome->checker));
		if (outcome->by_somebody) json_object_set_new(object, "at", json_string(time));
		ck_output_print_json(object);
	} else if (checked) {
		printf("Checked by %s, at %s. They know now that you are %s.\n", who, time, cli->as);
	} else if (refused) {
		printf("Entered by %s, at %s, and refused: your key, you or your authority are no longer good here.\n", who, time);
	} else {
		puts(sentence_of(outcome));
	}
	return checked ? CK_EXIT_OK : CK_EXIT_REFUSED;
}

static int say_and_wait(struct ck_cli *cli, const struct ck_map *reply)
{
	struct ck_card card;
	struct outcome outcome;
	char typed[CK_VOUCH_CODE_LIMIT_BYTES + 1], digits[CK_VOUCH_CODE_BYTES], shown[CK_VOUCH_CODE_TEXT_BYTES];
	int64_t until_s = 0;
	if (ck_map_int(reply, CK_F_UNTIL, &until_s) != CK_OK || ck_card_read(reply, &card) != CK_OK ||
	    ck_map_string(reply, CK_F_CODE, typed, sizeof typed) != CK_OK || ck_vouch_code_parse(ck_text_of(typed), digits) != CK_OK)
		return ck_cli_complain(CK_ERR_INTERNAL, "the daemon's reply is malformed");
	int64_t left_s = until_s - ck_clock_wall_s();
	if (left_s < 0 || left_s > LIFE_S) left_s = LIFE_S; /* one of the clocks is off; what counts is the daemon's */
	print_code(cli, &card, ck_vouch_code_format(digits, shown), left_s);
	ck_wipe(typed, sizeof typed);
	ck_wipe(digits, sizeof digits);
	ck_wipe(shown, sizeof shown);
	enum ck_error error = await(cli, left_s, &outcome);
	if (error == CK_OK) return print_outcome(cli, &outcome);
	return ck_cli_complain(error, "what became of the code is not known (%s): it is over by itself; whether somebody checked it stands in the audit log",
	                       ck_error_name(error));
}

static bool says_who(const struct ck_cli *cli)
{
	if (cli->as != NULL) return true;
	(void)ck_cli_complain(CK_ERR_INVALID, "say who you are with --as UID: your key is touched for it");
	return false;
}

int ck_cli_vouch(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_map reply;
	struct ck_arguments arguments;
	enum ck_error error = ck_arguments_parse(cli, &vouch_help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	const char *authority = ck_argument(&vouch_help, &arguments, "authority");
	if ((authority != NULL) == (arguments.count == 1))
		return ck_cli_complain(CK_ERR_INVALID, "say whom the code is for: a colleague's login name, or --authority NAME");
	if (!says_who(cli)) return CK_EXIT_USAGE;
	bool for_authority = authority != NULL;
	error = make_code(cli, for_authority ? CK_VOUCH_FOR_AUTHORITY : CK_VOUCH_FOR_STAFF, for_authority ? authority : arguments.words[0], &reply);
	if (error != CK_OK) return ck_exit_of(error);
	catch_stops();
	return say_and_wait(cli, &reply);
}

/* ---- check ---- */

static const struct ck_option check_options[] = { { NULL, 0, NULL, NULL } };
static const struct ck_command_help check_help = { "check", "CODE",
	"Enters the code that a caller said and shows who they are, after a touch of your own key (--as). It must have been made for you or your "
	"authority. Spaces and hyphens do not matter; a wrong or missing digit is noticed and costs no try.", 1, 4, check_options };

static void print_known(const struct ck_cli *cli, const struct ck_card *card, unsigned proved, int64_t time_s)
{
	char when[CK_TIME_TEXT_BYTES], set[CK_PROVED_TEXT_BYTES];
	(void)ck_time_format(time_s, when);
	(void)ck_proved_format(proved, set);
	if (cli->json) {
		json_t *object = ck_card_json(card);
		json_object_set_new(object, "proved", json_string(set));
		json_object_set_new(object, "at", json_string(when));
		ck_output_print_json(object);
		return;
	}
	printf("The caller is %s.\n\n", ck_card_line(card));
	ck_card_print(card);
	printf("  %-12s %s: touched their key%s, %s\n", "proved", set, (proved & CK_PROVED_VERIFIED) != 0 ? " and gave its PIN or fingerprint" : "",
	       (proved & CK_PROVED_ATTESTED) != 0 ? "whose maker is trusted here" : "of which no maker vouches here");
	printf("  %-12s %s\n\nThey are told that it was you who checked. The code is used up.\n", "when", when);
}

/* "4071 5528 9163" may be three words. */
static const char *join(const struct ck_arguments *arguments)
{
	const char *text = "";
	for (size_t i = 0; i < arguments->count; i++) text = ck_cli_print("%s%s", text, arguments->words[i]);
	return text;
}

int ck_cli_check(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_arguments arguments;
	struct ck_card card;
	char digits[CK_VOUCH_CODE_BYTES];
	enum ck_answer answer;
	uint64_t proved = 0;
	int64_t time_s = 0;
	enum ck_error error = ck_arguments_parse(cli, &check_help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	if (ck_vouch_code_parse(ck_text_of(join(&arguments)), digits) != CK_OK)
		return ck_cli_complain(CK_ERR_INVALID, "that is no code: twelve digits, and one is wrong or missing; it was not tried, ask the caller to say it again");
	if (!says_who(cli)) return CK_EXIT_USAGE;
	error = ck_cli_become(cli);
	if (error != CK_OK) return ck_exit_of(error);
	ck_ask_begin(&ask, CK_OP_CHECK);
	ck_field_string(&ask.frame.map, CK_F_CODE, digits);
	error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return ck_exit_of(error);
	if (answer != CK_ANSWER_GRANTED || ck_card_read(&reply, &card) != CK_OK || !card.person || ck_map_int(&reply, CK_F_TIME, &time_s) != CK_OK ||
	    ck_map_uint(&reply, CK_F_PROVED, 0, CK_PROVED_ALL, &proved) != CK_OK)
		return ck_cli_complain(CK_ERR_INTERNAL, "the daemon's reply is malformed: the caller is not known");
	print_known(cli, &card, (unsigned)proved, time_s);
	return CK_EXIT_OK;
}
