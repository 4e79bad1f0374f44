/* Every number on the wire, in one place: operations, answers, fields, and the messages between the daemon's processes.
   docs/protocol.md and schema/crosskeys.cddl say the same; a number is never reused. libc only. */
#ifndef CK_PROTOCOL_MESSAGE_H
#define CK_PROTOCOL_MESSAGE_H

/* Field 0 of a client's request. */
enum ck_op {
	CK_OP_STATUS = 1,
	CK_OP_LOGIN_BEGIN = 2,   /* USER ACCOUNT SERVICE [TTY] [REMOTE_HOST] → need-token CHALLENGE RP_ID ALLOW VERIFY LOCAL */
	CK_OP_LOGIN_TOKEN = 3,   /* → granted, a descriptor: the token helper's socket */
	CK_OP_LOGIN_ASSERT = 4,  /* CREDENTIAL AUTH_DATA SIGNATURE → granted LOGIN_ID UNTIL | denied REASON MESSAGE */
	CK_OP_ACCOUNT = 5,       /* USER ACCOUNT SERVICE [TTY] [REMOTE_HOST] → granted LOGIN_ID UNTIL | denied */
	CK_OP_SESSION_OPEN = 6,  /* LOGIN_ID ACCOUNT SERVICE [TTY] [REMOTE_HOST] */
	CK_OP_SESSION_CLOSE = 7, /* LOGIN_ID */
	CK_OP_IDENTIFY = 8,      /* AS → need-token as above; LOGIN_ASSERT then makes this connection that person's */
	CK_OP_FIND = 9,          /* NAME [PURPOSE] [CURSOR] → ENTRIES [CURSOR] [CUT] */
	CK_OP_EXPLAIN = 10,      /* USER [ACCOUNT] SYSTEM SERVICE [FROM] [TIME] [PROVED] → TEXT VERDICT REASON UNTIL */
	CK_OP_SHOW = 11,         /* KIND (ID | NAME [AUTHORITY]) → ENTRIES (one) */
	CK_OP_LIST = 12,         /* KIND [AUTHORITY] [CURSOR] [ABOUT] → ENTRIES [CURSOR] */
	CK_OP_CHANGE_BEGIN = 13, /* AS → need-token NONCE TIME SYSTEM RP_ID ALLOW */
	CK_OP_CHANGE_COMMIT = 14, /* NONCE STATEMENTS VALUES CREDENTIAL AUTH_DATA SIGNATURE → granted [PENDING] | denied REASON MESSAGE */
	CK_OP_ENROL_BEGIN = 15,  /* USER [CODE] → need-token NONCE CHALLENGE RP_ID ID NAME ALLOW (here: to exclude) */
	CK_OP_ENROL_FINISH = 16, /* NONCE [CODE] AUTH_DATA FORMAT ATT_STMT LABEL [TRAITS] → granted ID | need-token (NONCE TIME … STATEMENTS VALUES) */
	CK_OP_RECOVER = 17,      /* root: USER HASH → granted TIME (from when); the peer's socket goes to the replica */
	CK_OP_CHECKPOINT = 18,   /* root: → TEXT */
	CK_OP_CONFIRM_REFRESH = 19, /* root: lets in a refresh that was held back because it removes much */
	CK_OP_COUNTER_RESET = 20, /* root: HASH → granted; what is known of that key's counter is forgotten */
	CK_OP_CONFIRM_CLOCK = 21, /* root: the clock is right, though later times were recorded */
	CK_OP_LOGIN_PASSWORD = 22, /* PASSWORD → granted as LOGIN_ASSERT; only after that one was answered need-password */
	CK_OP_PASSWORD_BEGIN = 23, /* AS → need-token NONCE TIME SYSTEM RP_ID ALLOW VERIFY */
	CK_OP_PASSWORD_CHANGE = 24, /* NONCE CREDENTIAL AUTH_DATA SIGNATURE PASSWORD NEW_PASSWORD → granted USER | denied REASON MESSAGE */
	CK_OP_PLAN_COMMIT = 25,   /* NONCE ID AUTHORITY COUNT ROOTS CREDENTIAL AUTH_DATA SIGNATURE → granted; see plan.h */
	CK_OP_PLAN_BATCH = 26,    /* ID INDEX STATEMENTS VALUES → granted COUNT OUTCOMES */
	CK_OP_VOUCH_BEGIN = 27,  /* AS KIND NAME → need-token as of IDENTIFY, and ID (of whom it is for); LOGIN_ASSERT then gives UNTIL ENTRIES CODE */
	CK_OP_VOUCH_STATE = 28,  /* → STATE [TIME] [ENTRIES]: of the vouch that this connection made */
	CK_OP_VOUCH_WITHDRAW = 29, /* the same one */
	CK_OP_CHECK = 30,        /* identified: CODE → TIME ENTRIES PROVED: who vouches, and how that was proved */
	CK_OP_ACCOUNT_ENTRY = 31 /* USER | UID_NUMBER → granted USER UID_NUMBER GID_NUMBER PATHS | denied: there is no such account here */
};
#define CK_OP_LAST CK_OP_ACCOUNT_ENTRY

/* Field 0 of a reply. 0 is no answer at all. */
enum ck_answer {
	CK_ANSWER_GRANTED = 1, CK_ANSWER_DENIED = 2, CK_ANSWER_NEED_TOKEN = 3, CK_ANSWER_UNAVAILABLE = 4, CK_ANSWER_ERROR = 5,
	CK_ANSWER_NEED_PASSWORD = 6 /* the key was right, and the rule demands a password too; of ACCOUNT: a new one, first */
};
#define CK_ANSWER_LAST CK_ANSWER_NEED_PASSWORD

enum ck_field {
	CK_F_TYPE = 0,        /* operation, answer or message type */
	CK_F_REQUEST = 1,     /* between processes: the number that pairs a reply with its request */
	CK_F_USER = 2,        /* text: the subject's uid */
	CK_F_ACCOUNT = 3,     /* text: the local account entered */
	CK_F_SERVICE = 4,     /* text: the PAM service */
	CK_F_TTY = 5,         /* text */
	CK_F_REMOTE_HOST = 6, /* text, as PAM_RHOST gave it; absent: none */
	CK_F_SYSTEM = 7,      /* text: a system's name */
	CK_F_LOGIN_ID = 8,    /* 16 bytes */
	CK_F_UNTIL = 9,       /* int, seconds since 1970 */
	CK_F_CHALLENGE = 10,  /* 32 bytes: the clientDataHash */
	CK_F_RP_ID = 11,      /* text */
	CK_F_ALLOW = 12,      /* array of credential ids */
	CK_F_VERIFY = 13,     /* bool: user verification is demanded */
	CK_F_CREDENTIAL = 14, /* bytes: a credential id */
	CK_F_AUTH_DATA = 15,  /* bytes: authenticator data, raw (not CBOR-wrapped) */
	CK_F_SIGNATURE = 16,  /* bytes */
	CK_F_MESSAGE = 17,    /* text: one sentence for a person */
	CK_F_REASON = 18,     /* text: a stable name ("no-role") */
	CK_F_TIME = 19,       /* int, seconds since 1970 */
	CK_F_KIND = 20,       /* text: a kind's name */
	CK_F_ID = 21,         /* 16 bytes (32 for a key) */
	CK_F_NAME = 22,       /* text */
	CK_F_AUTHORITY = 23,  /* 16 bytes */
	CK_F_FROM = 24,       /* text: an address, or "local" */
	CK_F_TEXT = 25,       /* text, many lines */
	CK_F_ENTRIES = 26,    /* array of entries, each a byte string holding {0: kind, 1: id, 2: authority, 3: csn, 4: [[name, [values]]]} */
	CK_F_CURSOR = 27,     /* bytes: where the next page begins */
	CK_F_STATEMENTS = 28, /* array of byte strings: change statements */
	CK_F_VALUES = 29,     /* array of byte strings, one a statement: [[attribute, [values]], …] in CBOR */
	CK_F_NONCE = 30,      /* 32 bytes */
	CK_F_CODE = 31,       /* text: a one-time code */
	CK_F_FORMAT = 32,     /* text: attestation statement format */
	CK_F_ATT_STMT = 33,   /* bytes: attestation statement, CBOR */
	CK_F_LABEL = 34,      /* text */
	CK_F_LOCAL = 35,      /* bool: this machine's own key may be used; false: say that only local logins work */
	CK_F_AS = 36,         /* text: the uid on whose behalf */
	CK_F_PROVED = 37,     /* uint: a set of enum ck_proved */
	CK_F_VERDICT = 38,    /* bool */
	CK_F_ABOUT = 39,      /* 16 bytes: of a list, the staff (keys, grants, codes), role (grants) or system (rules) it is about */
	CK_F_EVENT = 40,      /* uint: enum ck_event */
	CK_F_HASH = 41,       /* 32 bytes: a key's hash, or a code's */
	CK_F_COUNT = 42,      /* uint: signature counter, or how many */
	CK_F_BODY = 43,       /* bytes: a relayed map */
	CK_F_PEER_UID = 44,   /* uint: kernel uid of the client */
	CK_F_PEER_PID = 45,   /* uint */
	CK_F_PENDING = 46,    /* bool: written, not yet visible here */
	CK_F_RULE = 47,       /* 16 bytes */
	CK_F_PROCESS = 48,    /* uint: enum ck_process */
	CK_F_INDEX = 49,      /* uint: which gate */
	CK_F_ANCESTORS = 50,  /* array of uints: pid, start time, pid, start time … of the client and its parents */
	CK_F_OPERATION = 51,  /* text: a change's operation ("grant.add") */
	CK_F_TARGET = 52,     /* bytes: what it is about */
	CK_F_DIGEST = 53,     /* 32 bytes */
	CK_F_PROOF = 54,      /* bytes: see change.h */
	CK_F_DETAIL = 55,     /* text: free, escaped where printed */
	CK_F_STATE = 56,      /* text: of status, of a vouch */
	CK_F_AGE = 58,       /* int: seconds since as_of; or of a challenge, since it was issued, in milliseconds */
	CK_F_TRAITS = 59,    /* uint: a set of enum ck_trait: what the key's helper says of it; believed for nothing */
	CK_F_USES = 60,      /* array: of each key its hash, whether the directory has an entry, counter, last use, when that was written */
	CK_F_STAGE = 61,     /* uint: of all that the directory has, 1: here it begins, 2: here it ends */
	CK_F_PASSWORD = 62,  /* bytes, 1 to 512, without NUL: wiped wherever it passed through */
	CK_F_NEW_PASSWORD = 63, /* the same */
	CK_F_PURPOSE = 70,   /* text: what a look-up is for, as whoever asks says */
	CK_F_CUT = 71,       /* bool: so many match that not all were looked at */
	CK_F_BUDGET = 72,    /* uint: enum ck_find_budget */
	CK_F_PEOPLE = 73,    /* text: login names, with spaces between */
	CK_F_ROOTS = 82,     /* bytes: 32 for each batch of a plan, in their order */
	CK_F_OUTCOMES = 83,  /* array of texts, one a statement of a batch: "written", "done" (it was already), else why not */
	CK_F_INSIDE = 91,    /* bool: one of ANCESTORS leads a registered session */
	CK_F_SOURCE = 92,    /* 32 bytes: a hash of where something was begun */
	CK_F_UID_NUMBER = 93, /* uint: of an account */
	CK_F_GID_NUMBER = 94, /* uint: its group; the same number: a group of its own, of its name */
	CK_F_PATHS = 95      /* array of two texts: home directory, login shell */
};

/* The daemon's processes. */
enum ck_process { CK_PROCESS_SUPERVISOR = 1, CK_PROCESS_GATE = 2, CK_PROCESS_REPLICA = 3, CK_PROCESS_LEDGER = 4 };

/* Field 0 between processes. Who may send what to whom is the table at the top of each process's file. */
enum ck_message {
	/* supervisor ↔ child, on descriptor 3 */
	CK_MSG_READY = 64,   /* child: sandboxed and serving */
	CK_MSG_PEER = 65,    /* supervisor: PROCESS INDEX and a descriptor: a new channel to that peer */
	CK_MSG_STOP = 66,    /* supervisor: finish and exit 0 */
	CK_MSG_ACCUSE = 67,  /* child: PROCESS INDEX DETAIL sent something malformed; kill it */
	CK_MSG_TOKEN = 68,   /* gate: REQUEST HASH(of where it comes from) PEER_UID(whose it is; 0: nobody's) → supervisor answers REQUEST TYPE=CK_MSG_TOKEN and a descriptor (none: unavailable) */
	CK_MSG_PING = 69,    /* supervisor: answered by the same; a child that does not for 10 s is replaced */
	CK_MSG_NOTE = 70,    /* supervisor → ledger: DETAIL: a process started, died or was killed: recorded as CK_EVENT_PROCESS */
	/* → ledger */
	CK_MSG_RECORD = 80,  /* REQUEST EVENT and the event's fields [SOURCE(a key has proved what was begun there: as CK_MSG_PROVED)] → CK_MSG_RECORDED */
	CK_MSG_RECORDED = 81, /* REQUEST VERDICT(bool: it stands, act on it) [REASON] [TEXT] [COUNT(milliseconds to wait)] */
	CK_MSG_SESSION_FIND = 82, /* REQUEST ANCESTORS → CK_MSG_SESSION_FOUND */
	CK_MSG_SESSION_FOUND = 83, /* REQUEST INSIDE [REMOTE_HOST] */
	CK_MSG_KEY_USES = 84, /* replica: REQUEST COUNT(of those wanted) USES(as the directory has them) STAGE → CK_MSG_KEY_USES_DUE */
	CK_MSG_KEY_USES_DUE = 85, /* REQUEST USES(that the directory does not have, and is due) */
	CK_MSG_CLOCK = 86, /* ledger → all: TIME(it cannot be earlier) VERDICT(bool: root confirmed it, whatever was known); REQUEST says nothing */
	CK_MSG_TRY = 100,    /* gate: REQUEST SOURCE [ANCESTORS]: something was begun that a key is to prove → CK_MSG_TRIED */
	CK_MSG_TRIED = 101,  /* REQUEST VERDICT(bool: it may go on) COUNT(milliseconds to wait, else) [INSIDE [REMOTE_HOST]: as CK_MSG_SESSION_FOUND] */
	CK_MSG_PROVED = 102, /* gate: REQUEST SOURCE: a key has proved what was begun there; not answered */
	/* gate → replica and back */
	CK_MSG_RELAY = 96,   /* REQUEST PEER_UID PEER_PID BODY [descriptor] */
	CK_MSG_RELAYED = 97, /* REQUEST BODY */
	/* gate → ledger and back: vouching */
	CK_MSG_VOUCH_FIND = 108,  /* REQUEST USER AUTHORITY PEER_UID TARGET(the checker) DIGEST(of the code) → VOUCH_FOUND, or RECORDED: refused */
	CK_MSG_VOUCH_FOUND = 109, /* REQUEST ID PROOF: it is open and for this person; nothing is used up yet */
	CK_MSG_VOUCH_STATE = 110, /* REQUEST ID → CK_MSG_VOUCH_STATED */
	CK_MSG_VOUCH_STATED = 111, /* REQUEST STATE [TIME(when it was checked) TARGET(by whom)] */
	/* gate → ledger or replica and back: for status */
	CK_MSG_STATE = 112,  /* REQUEST → CK_MSG_STATED */
	CK_MSG_STATED = 113, /* REQUEST VERDICT(bool: it does its work) STATE(one word) [DETAIL] [TEXT(of the replica: a provider a line)] */
	/* replica → dialler and back, in packets without a frame's head */
	CK_MSG_DIAL = 114,   /* REQUEST INDEX(which provider, from 0) → CK_MSG_DIALLED */
	CK_MSG_DIALLED = 115, /* REQUEST VERDICT(bool) [DETAIL(why not)] and a descriptor: connected to it */
	/* gate → replica and back: the login's statement, the touch over it, and the password that was typed then */
	CK_MSG_PASSWORD = 120, /* REQUEST USER ACCOUNT SERVICE [TTY] [REMOTE_HOST] TIME NONCE CREDENTIAL AUTH_DATA SIGNATURE PEER_UID PEER_PID PASSWORD */
	CK_MSG_PASSWORD_CHECKED = 121 /* REQUEST VERDICT(bool: it is right) REASON [MESSAGE] */
};

/* What the audit log records. Flushed before the answer (F), or written before and flushed within 100 ms (W). */
enum ck_event {
	CK_EVENT_ACCOUNT_GRANTED = 1,  /* W USER ACCOUNT SERVICE SYSTEM [TTY] [REMOTE_HOST] PROVED RULE UNTIL LOGIN_ID PEER_UID */
	CK_EVENT_ACCOUNT_REFUSED = 2,  /* W … REASON; budgeted and coalesced */
	CK_EVENT_LOGIN_GRANTED = 3,    /* F … HASH COUNT AGE PROVED; VERDICT false: the counter went back */
	CK_EVENT_LOGIN_REFUSED = 4,    /* W … REASON */
	CK_EVENT_SESSION_OPENED = 5,   /* W LOGIN_ID ACCOUNT SERVICE PEER_UID PEER_PID ANCESTORS(2) [REMOTE_HOST]; VERDICT: matched a login */
	CK_EVENT_SESSION_CLOSED = 6,   /* W LOGIN_ID */
	CK_EVENT_IDENTIFIED = 7,       /* F USER HASH COUNT */
	CK_EVENT_LOOKED_UP = 8,        /* W USER|PEER_UID NAME */
	CK_EVENT_EXPLAINED = 9,        /* W */
	CK_EVENT_CHANGE_INTENT = 10,   /* F USER OPERATION TARGET DIGEST PROOF HASH COUNT */
	CK_EVENT_CHANGE_OUTCOME = 11,  /* F USER OPERATION TARGET REASON */
	CK_EVENT_CHANGE_REFUSED = 12,  /* W */
	CK_EVENT_KEY_ENROLLED = 13,    /* F */
	CK_EVENT_CODE_REFUSED = 14,    /* W */
	CK_EVENT_RECOVERY = 15,        /* F alarm */
	CK_EVENT_QUARANTINED = 16,     /* W alarm */
	CK_EVENT_ALARM = 17,           /* W DETAIL */
	CK_EVENT_REFRESHED = 18,       /* W COUNT */
	CK_EVENT_PROCESS = 19,         /* W DETAIL: started, died, killed */
	CK_EVENT_COUNTER_RESET = 20,   /* F alarm USER HASH */
	CK_EVENT_LOGIN_ABANDONED = 45, /* W … REASON: begun, and no key answered; budgeted and coalesced */
	CK_EVENT_CLOCK_CONFIRMED = 21, /* F alarm: root says that the clock is right; VERDICT false: it is not behind */
	CK_EVENT_PROVIDER = 65,        /* W NAME(which is followed now) REASON(why no longer the one before) */
	CK_EVENT_FOUND = 50,           /* W USER|PEER_UID NAME PURPOSE AUTHORITY ID BUDGET COUNT(of other authorities) PEOPLE: what was looked up */
	/* made by the ledger itself */
	CK_EVENT_FIND_REFUSED = 51,    /* alarm: a budget of look-ups is used up */
	CK_EVENT_STARTED = 32,
	CK_EVENT_CUT = 33,         /* a torn last record was cut */
	CK_EVENT_CHECKPOINT = 34,
	CK_EVENT_COALESCED = 35,   /* USER REMOTE_HOST COUNT: so many refusals more */
	CK_EVENT_COUNTER_ALARM = 36,
	CK_EVENT_STOPPED = 37,
	CK_EVENT_CLOCK_BEHIND = 38, /* alarm: the clock says less than the last record */
	CK_EVENT_CLOCK_CAUGHT_UP = 39,
	CK_EVENT_LOGIN_LIMITED = 46, /* USER …: proved, and too often in a minute; budgeted and coalesced */
	CK_EVENT_CLOCK_JUMPED = 40, /* alarm: the clock went forward by more than time passed */
	/* passwords: both of the replica's, which verified the touch itself */
	CK_EVENT_PASSWORD_ATTEMPT = 41, /* F USER … OPERATION HASH COUNT AGE DIGEST(of what was signed); VERDICT false: too many, COUNT: how long to wait */
	CK_EVENT_PASSWORD_OUTCOME = 42, /* F USER … OPERATION DIGEST REASON */
	/* vouching: ID is the vouch's; DIGEST, of the code, is not written down */
	CK_EVENT_VOUCH_MADE = 55,      /* F USER TARGET(their ckId) ID DIGEST PROOF HASH COUNT PROVED AGE */
	CK_EVENT_VOUCH_CHECKED = 56,   /* F USER TARGET AUTHORITY(of the checker) ID DIGEST; VERDICT: it was still open, and this uses it up */
	CK_EVENT_VOUCH_REFUSED = 57,   /* W USER REASON [TARGET AUTHORITY ID DIGEST: it was right, what it stands on is over, and so is it] */
	CK_EVENT_VOUCH_WITHDRAWN = 58, /* W USER ID */
	/* plans */
	CK_EVENT_PLAN_ORDERED = 60,  /* F USER OPERATION TARGET(plan) DIGEST(of its batches) PROOF HASH COUNT DETAIL */
	CK_EVENT_BATCH_INTENT = 61,  /* F USER OPERATION TARGET(plan) INDEX(batch) DIGEST(its root) COUNT(statements) */
	CK_EVENT_BATCH_OUTCOME = 62  /* F USER OPERATION TARGET(plan) INDEX REASON COUNT(written) [DETAIL] */
};

/* Out of which budget people of other authorities are looked up. */
enum ck_find_budget { CK_FIND_BUDGET_NONE = 0 /* root */, CK_FIND_BUDGET_PERSON = 1, CK_FIND_BUDGET_SWITCHBOARD = 2 };

/* ---- PAM module or CLI ↔ crosskeys-token, over the socket that the gate handed out ---- */
enum ck_token_message {
	/* client → helper */
	CK_TOKEN_ASSERT = 128,  /* (CHALLENGE | BODY: tag and statement, hashed by the helper) RP_ID ALLOW VERIFY TIME(ms to wait in all) */
	CK_TOKEN_PIN = 129,     /* CODE(bytes as text): the answer to PIN_WANTED; wiped after use */
	CK_TOKEN_CREATE = 130,  /* CHALLENGE RP_ID ID(user handle) USER NAME ALLOW(exclude) VERIFY TIME */
	/* helper → client */
	CK_TOKEN_SAY = 144,        /* REASON(name) MESSAGE: touch-now, no-key, … ; shown, no answer */
	CK_TOKEN_PIN_WANTED = 145, /* COUNT(tries left) MESSAGE */
	CK_TOKEN_ASSERTED = 146,   /* CREDENTIAL AUTH_DATA SIGNATURE */
	CK_TOKEN_CREATED = 147,    /* AUTH_DATA FORMAT ATT_STMT [TRAITS] */
	CK_TOKEN_FAILED = 148      /* REASON MESSAGE; the last message */
};

/* What a helper tells of a key: those of enum ck_trait that it can know, under the same numbers. */
enum ck_told {
	CK_TOLD_DISCOVERABLE = 1 << 0, /* it keeps the credential itself */
	CK_TOLD_BIOMETRIC = 1 << 1,    /* it verifies its user without a PIN */
	CK_TOLD_USB = 1 << 6,          /* how it is reached */
	CK_TOLD_NFC = 1 << 7,
	CK_TOLD_BLE = 1 << 8,
	CK_TOLD_SMART_CARD = 1 << 9,
	CK_TOLD_HYBRID = 1 << 10,
	CK_TOLD_INTERNAL = 1 << 11
};
#define CK_TOLD_ALL (CK_TOLD_DISCOVERABLE | CK_TOLD_BIOMETRIC | CK_TOLD_TRANSPORTS)
#define CK_TOLD_TRANSPORTS (CK_TOLD_USB | CK_TOLD_NFC | CK_TOLD_BLE | CK_TOLD_SMART_CARD | CK_TOLD_HYBRID | CK_TOLD_INTERNAL)

/* Limits of what crosses the wire; the units are in the names. */
#define CK_ALLOW_LIMIT 16                /* credentials offered to a key for one login */
#define CK_CHANGES_LIMIT 64              /* statements under one touch */
#define CK_AUTH_DATA_LIMIT_BYTES 2048
#define CK_SIGNATURE_LIMIT_BYTES 1024
#define CK_ATT_STMT_LIMIT_BYTES 8192
#define CK_TTY_LIMIT_BYTES 64
#define CK_REMOTE_HOST_LIMIT_BYTES 255
#define CK_SERVICE_LIMIT_BYTES 64
#define CK_RP_ID_LIMIT_BYTES 253
#define CK_SYSTEM_LIMIT_BYTES 128
#define CK_QUERY_LIMIT_BYTES 256         /* as long as the people index takes */
#define CK_PURPOSE_LIMIT_BYTES 200       /* a sentence */
#define CK_PEOPLE_CURSOR_LIMIT_BYTES 16
#define CK_PIN_LIMIT_BYTES 63            /* CTAP 2.1, 6.5.1 */
#define CK_ANCESTORS_LIMIT 32            /* processes looked at, upwards */
#define CK_NONCE_BYTES 32
#define CK_LOGIN_ID_BYTES 16
#define CK_CHALLENGE_BYTES 32
#define CK_SOURCE_BYTES 32               /* a hash of where something comes from, between processes only */

#endif
