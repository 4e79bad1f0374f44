/* The ledger's book over a real log of its own, asked as its process asks it. */
#ifndef CK_TESTS_LEDGER_BOOK_FIXTURE_H
#define CK_TESTS_LEDGER_BOOK_FIXTURE_H

#include "authd/ledger_book.h"
#include "directory/base/log.h"
#include "tests/unit/ledger_messages.h"

static struct ck_book *book;
static struct ck_book_settings settings;

static inline void open_book(void)
{
	struct ck_errmsg err = { "" };
	ck_assert_msg(ck_book_open(&settings, &book, &err) == CK_OK, "%s", err.text);
}

static inline void make_book(void)
{
	fixture_make();
	settings = (struct ck_book_settings){ .limits = fixture_limits(0), .refusals_per_minute = 3, .tries_per_minute = 5, .logins_per_minute = 1000000,
		                              .checkpoint_interval_s = 300,
		                              .key_use_interval_s = 3600, .challenge_limit_s = 120, .attempts = { 3, 5, 900 }, .boot = "boot-1" };
	strcpy(settings.directory, fixture_directory);
	ck_log_init("test", CK_LOG_ALARM);
	open_book();
}

static inline void free_book(void)
{
	ck_book_free(&book);
	fixture_remove_all();
}

/* How many are due then, at most one. */
static inline size_t book_uses(int64_t count, unsigned stage)
{
	uint8_t bytes[256];
	static struct ck_map map;
	struct ck_use due[CK_USES_DUE_LIMIT];
	size_t due_count, length = encode_uses(count, stage, CK_USES_DUE_LIMIT, bytes, sizeof bytes);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes + 4, length - 4 }, &map), CK_OK);
	ck_assert_int_eq(ck_book_uses(book, &map, due, &due_count, NULL), CK_OK);
	ck_assert_uint_le(due_count, 1);
	if (due_count == 1) ck_assert_mem_eq(due[0].hash, hash, sizeof hash);
	return due_count;
}

static inline enum ck_error record(const struct said *said, enum ck_process from, struct ck_book_answer *answer)
{
	uint8_t bytes[4096];
	static struct ck_map map;
	size_t length = encode(said, CK_MSG_RECORD, bytes, sizeof bytes);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes + 4, length - 4 }, &map), CK_OK);
	enum ck_error error = ck_book_record(book, from, &map, answer);
	ck_assert_int_eq(ck_book_write(book, NULL), CK_OK);
	ck_assert_int_eq(ck_book_flush(book, NULL), CK_OK);
	return error;
}

static inline struct ck_book_answer ask(const struct said *said)
{
	struct ck_book_answer answer;
	bool replicas = said->event == CK_EVENT_CHANGE_INTENT || said->event == CK_EVENT_COUNTER_RESET ||
	                said->event == CK_EVENT_PASSWORD_ATTEMPT || said->event == CK_EVENT_PASSWORD_OUTCOME;
	enum ck_process from = replicas ? CK_PROCESS_REPLICA : CK_PROCESS_GATE;
	ck_assert_int_eq(record(said, from, &answer), CK_OK);
	return answer;
}

static inline bool stands(const struct said *said) { return ask(said).verdict; }

static inline void restart(void)
{
	ck_book_free(&book);
	open_book();
}

#endif
