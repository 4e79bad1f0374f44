/* What the doctor found, for people and for programs. Everything that came from a file is escaped before a terminal sees it. */
#include <stdlib.h>
#include <string.h>

#include "authd/cli/doctor.h"
#include "authd/cli/output.h"

static const char *const severities[] = { "note", "warning", "error" };
static const char *const states[CK_STATES] = { "Crosskeys works", "it is dead or hung", "the module is gone" };
static const char *const state_keys[CK_STATES] = { "alive", "dead", "gone" };
static const struct {
	const char *name, *key;
} persons[CK_PERSONS] = {
	[CK_PERSON_ROOT] = { "root", "root" },
	[CK_PERSON_LOCAL] = { "the machine's own names", "local" },
	[CK_PERSON_LISTED] = { "names that are only listed", "listed" },
	[CK_PERSON_GRANTED] = { "staff whom a rule lets in", "staff_granted" },
	[CK_PERSON_REFUSED] = { "staff whom none lets in", "staff_refused" },
	[CK_PERSON_UNKNOWN] = { "names that are nobody's", "unknown" },
};

const char *ck_doctor_person_name(enum ck_person person)
{
	return person < CK_PERSONS ? persons[person].name : "?";
}

const char *ck_doctor_alone_label(const char *service)
{
	static const struct {
		const char *service, *label;
	} labels[] = { { "sshd", "by SSH public key" },
		       { "sudo", "when sudo remembers" },
		       { "sudo-i", "when sudo remembers" },
		       { "cron", "their jobs run" },
		       { "crond", "their jobs run" },
		       { "atd", "their jobs run" },
		       { "systemd-user", "their services run" } };
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (strcmp(service, labels[i].service) == 0) return labels[i].label;
	return NULL;
}

static bool is_among(const char *services, const char *service)
{
	size_t length = strlen(service);
	for (const char *at = services; (at = strstr(at, service)) != NULL; at += length)
		if ((at == services || at[-1] == ' ') && (at[length] == '\0' || at[length] == ',')) return true;
	return false;
}

void ck_doctor_find(struct ck_doctor *doctor, enum ck_severity severity, const char *code, const char *where, const char *expected,
                    const char *found, const char *advice)
{
	for (size_t i = 0; i < doctor->count; i++) {
		struct ck_finding *one = &doctor->findings[i];
		if (strcmp(one->code, code) != 0 || strcmp(one->where, where) != 0 || strcmp(one->found, found) != 0) continue;
		if (doctor->judged != NULL && !is_among(one->services, doctor->judged)) one->services = ck_cli_print("%s, %s", one->services, doctor->judged);
		return;
	}
	if (doctor->count == doctor->room) {
		size_t room = doctor->room == 0 ? 32 : 2 * doctor->room;
		struct ck_finding *grown = ck_cli_allocate(room * sizeof *grown);
		if (doctor->count > 0) memcpy(grown, doctor->findings, doctor->count * sizeof *grown);
		free(doctor->findings);
		doctor->findings = grown;
		doctor->room = room;
	}
	doctor->findings[doctor->count++] = (struct ck_finding){ severity, code, where, expected, found, advice,
	                                                          doctor->judged != NULL ? doctor->judged : "" };
}

size_t ck_doctor_count(const struct ck_doctor *doctor, enum ck_severity severity)
{
	size_t count = 0;
	for (size_t i = 0; i < doctor->count; i++) count += doctor->findings[i].severity == severity;
	return count;
}

static const char *safe(const char *text)
{
	return ck_cli_safe(ck_text_of(text));
}

/* ---- for people ---- */

static void print_row(const char *first, const char *const cells[CK_STATES], const int widths[CK_STATES])
{
	printf("  %-26s", first);
	for (size_t i = 0; i + 1 < CK_STATES; i++) printf("  %-*s", widths[i], cells[i]);
	printf("  %s", cells[CK_STATES - 1]);
	putchar('\n');
}

static bool is_same_for(const struct ck_service *service, enum ck_person a, enum ck_person b)
{
	for (size_t i = 0; i < CK_STATES; i++) {
		const char *x = service->login[a][i], *y = service->login[b][i];
		if (service->alone[a][i] != service->alone[b][i] || (x == NULL) != (y == NULL) || (x != NULL && strcmp(x, y) != 0)) return false;
	}
	return true;
}

/* What stands in the table: by what, and how past the authentication. */
static const char *cell(const struct ck_service *service, enum ck_person person, enum ck_state state)
{
	const char *label = ck_doctor_alone_label(service->name), *login = service->login[person][state];
	bool alone = label != NULL && service->alone[person][state];
	if (login == NULL) return alone ? label : "-";
	return alone ? ck_cli_print("%s; %s", safe(login), label) : safe(login);
}

static bool is_shown(const struct ck_service *service, enum ck_person person)
{
	if (person == CK_PERSON_LISTED) return !is_same_for(service, CK_PERSON_LISTED, CK_PERSON_LOCAL);
	return person != CK_PERSON_UNKNOWN || !is_same_for(service, CK_PERSON_UNKNOWN, CK_PERSON_REFUSED);
}

static void print_service(const struct ck_service *service)
{
	const char *cells[CK_PERSONS][CK_STATES];
	int widths[CK_STATES];
	printf("%s (%s)\n", safe(service->name), safe(service->path));
	if (service->unread) {
		printf("  could not be read: nothing is known\n\n");
		return;
	}
	for (size_t i = 0; i < CK_STATES; i++) {
		widths[i] = (int)strlen(states[i]);
		for (size_t p = 0; p < CK_PERSONS; p++) {
			cells[p][i] = cell(service, (enum ck_person)p, (enum ck_state)i);
			if ((int)strlen(cells[p][i]) > widths[i]) widths[i] = (int)strlen(cells[p][i]);
		}
	}
	print_row("", states, widths);
	for (size_t p = 0; p < CK_PERSONS; p++)
		if (is_shown(service, (enum ck_person)p)) print_row(persons[p].name, cells[p], widths);
	putchar('\n');
}

static bool is_ours(const struct ck_service *service)
{
	return service->asks_auth || service->asks_account;
}

static void print_text(struct ck_doctor *doctor)
{
	size_t others = 0;
	for (size_t i = 0; i < doctor->services_count; i++)
		if (is_ours(&doctor->services[i]) || doctor->services[i].unread || doctor->only_service != NULL) print_service(&doctor->services[i]);
	for (size_t i = 0; i < doctor->services_count && doctor->only_service == NULL; i++) {
		if (is_ours(&doctor->services[i]) || doctor->services[i].unread) continue;
		printf("%s%s", others++ == 0 ? "not ruled by Crosskeys: " : ", ", safe(doctor->services[i].name));
	}
	if (others > 0) printf("\n\n");
	for (int severity = CK_SEVERITY_ERROR; severity >= CK_SEVERITY_NOTE; severity--)
		for (size_t i = 0; i < doctor->count; i++) {
			const struct ck_finding *finding = &doctor->findings[i];
			if ((int)finding->severity != severity) continue;
			printf("%s: %s [%s]\n", severities[severity], safe(finding->where), finding->code);
			if (finding->services[0] != '\0') printf("  services: %s\n", safe(finding->services));
			printf("  expected: %s\n  found:    %s\n  to do:    %s\n", safe(finding->expected), safe(finding->found),
			       safe(finding->advice));
		}
	printf("%zu errors, %zu warnings, %zu notes\n", ck_doctor_count(doctor, CK_SEVERITY_ERROR),
	       ck_doctor_count(doctor, CK_SEVERITY_WARNING),
	       ck_doctor_count(doctor, CK_SEVERITY_NOTE));
}

/* ---- for programs ---- */

static json_t *json_text(const char *text)
{
	return text != NULL ? json_string(safe(text)) : json_null();
}

static json_t *json_service(const struct ck_service *service)
{
	json_t *object = json_object(), *who = json_object();
	json_object_set_new(object, "name", json_text(service->name));
	json_object_set_new(object, "path", json_text(service->path));
	json_object_set_new(object, "read", json_boolean(!service->unread));
	json_object_set_new(object, "asks_auth", json_boolean(service->asks_auth));
	json_object_set_new(object, "asks_account", json_boolean(service->asks_account));
	json_object_set_new(object, "asks_session", json_boolean(service->asks_session));
	for (size_t p = 0; p < CK_PERSONS && !service->unread; p++) {
		json_t *person = json_object();
		for (size_t i = 0; i < CK_STATES; i++) {
			json_t *state = json_object();
			json_object_set_new(state, "login", json_text(service->login[p][i]));
			json_object_set_new(state, "account", json_boolean(service->alone[p][i]));
			json_object_set_new(person, state_keys[i], state);
		}
		json_object_set_new(who, persons[p].key, person);
	}
	json_object_set_new(object, "who", who);
	return object;
}

static json_t *json_services(const char *services)
{
	json_t *list = json_array();
	char *rest = ck_cli_copy(ck_text_of(services));
	for (char *one; (one = strsep(&rest, ",")) != NULL;) {
		one += strspn(one, " ");
		if (one[0] != '\0') json_array_append_new(list, json_text(one));
	}
	return list;
}

static void print_json(const struct ck_doctor *doctor)
{
	json_t *object = json_object(), *services = json_array(), *findings = json_array();
	for (size_t i = 0; i < doctor->services_count; i++) json_array_append_new(services, json_service(&doctor->services[i]));
	for (size_t i = 0; i < doctor->count; i++) {
		const struct ck_finding *finding = &doctor->findings[i];
		json_t *one = json_object();
		json_object_set_new(one, "severity", json_string(severities[finding->severity]));
		json_object_set_new(one, "code", json_string(finding->code));
		json_object_set_new(one, "where", json_text(finding->where));
		json_object_set_new(one, "services", json_services(finding->services));
		json_object_set_new(one, "expected", json_text(finding->expected));
		json_object_set_new(one, "found", json_text(finding->found));
		json_object_set_new(one, "to_do", json_text(finding->advice));
		json_array_append_new(findings, one);
	}
	json_object_set_new(object, "services", services);
	json_object_set_new(object, "findings", findings);
	json_object_set_new(object, "errors", json_integer((json_int_t)ck_doctor_count(doctor, CK_SEVERITY_ERROR)));
	json_object_set_new(object, "warnings", json_integer((json_int_t)ck_doctor_count(doctor, CK_SEVERITY_WARNING)));
	ck_output_print_json(object);
}

void ck_doctor_print(struct ck_doctor *doctor)
{
	if (doctor->cli->json)
		print_json(doctor);
	else
		print_text(doctor);
}
