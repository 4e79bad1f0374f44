#!/usr/bin/env python3
"""A scripted LDAP server that misbehaves in one way, for the tests of providers: ldap_server.py MODE PORT LOG [CERTIFICATE KEY]
Every byte that a client sends, as it is after TLS where there is TLS, goes to LOG. With a certificate it speaks TLS from the first byte, but
for the starttls modes. It says "ready" when it listens, and ends when it is killed or after two minutes."""
import os
import random
import signal
import socket
import ssl
import sys
import threading
import time

mode, port, log = sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "ab", buffering=0)
context = None
if len(sys.argv) > 4:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[5])


def tlv(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def integer(number, tag=2):
    return tlv(tag, number.to_bytes(max(1, number.bit_length() // 8 + 1), "big"))


def message(number, operation):
    return tlv(0x30, integer(number) + operation)


def result(tag, code=0, more=b"", text=b""):
    return tlv(tag, integer(code, 10) + tlv(4, b"") + tlv(4, text) + more)


def entry(dn, attributes):
    listed = b"".join(tlv(0x30, tlv(4, n) + tlv(0x31, b"".join(tlv(4, v) for v in vs))) for n, vs in attributes)
    return tlv(0x64, tlv(4, dn) + tlv(0x30, listed))


REFERENCE = tlv(0x73, tlv(4, b"ldap://127.0.0.1:1/dc=elsewhere"))
CSN = b"20260102030405.678901Z#000000#001#000000"


class Client:
    def __init__(self, sock):
        self.sock, self.held = sock, b""

    def take(self):
        """The id and the operation's tag of the next message; None when the client is gone."""
        while True:
            whole = self.whole()
            if whole is not None:
                return whole
            got = self.sock.recv(65536)
            if not got:
                return None
            log.write(got)
            self.held += got

    def whole(self):
        if len(self.held) < 2:
            return None
        length, head = self.held[1], 2
        if length & 0x80:
            digits = length & 0x7F
            if len(self.held) < 2 + digits:
                return None
            length, head = int.from_bytes(self.held[2:2 + digits], "big"), 2 + digits
        if len(self.held) < head + length:
            return None
        body, self.held = self.held[head:head + length], self.held[head + length:]
        size = body[1]
        return int.from_bytes(body[2:2 + size], "big"), body[2 + size]

    def send(self, data):
        self.sock.sendall(data)


def answer_until(client, last):
    """Binds, and answers the question for contextCSN; returns the id of the request at which the mode's own behaviour begins."""
    while True:
        taken = client.take()
        if taken is None:
            return None
        number, tag = taken
        if tag == last:
            return number
        if tag == 0x60:
            client.send(message(number, result(0x61)))
        elif tag == 0x63:
            client.send(message(number, entry(b"dc=x", [(b"contextCSN", [CSN])])) + message(number, result(0x65)))
            last = 0x63


def hang():
    time.sleep(120)


def serve_starttls(client):
    number = answer_until(client, 0x77)
    if number is None:
        return
    if mode == "starttls-refused":
        client.send(message(number, result(0x78, 2, text=b"unsupported extended operation")))
        client.take()
    elif mode == "starttls-plain":
        client.send(message(number, result(0x78)))
        while client.sock.recv(4096):
            client.send(message(number + 1, result(0x61)))
    elif mode == "starttls-inject":
        client.send(message(number, result(0x78)) + message(number + 1, result(0x61)))
        client.take()
    elif mode == "starttls-silent":
        hang()


def serve(client):
    if mode == "silent":
        print("taken", flush=True)
        while client.sock.recv(4096):
            pass
        print("left", flush=True)
    elif mode == "drip":
        while True:
            client.send(b"\x16")
            time.sleep(0.3)
    elif mode.startswith("starttls"):
        serve_starttls(client)
    elif mode == "bind-hang":
        answer_until(client, 0x60)
        hang()
    elif mode == "random":
        source = random.Random(int(os.environ.get("SEED", "1")))
        answer_until(client, 0x60)
        for _ in range(200):
            client.send(bytes(source.randrange(256) for _ in range(source.randrange(1, 400))))
    elif mode == "random-inside":
        source = random.Random(int(os.environ.get("SEED", "1")))
        number = answer_until(client, 0x60)
        for _ in range(50):
            client.send(message(number, bytes([source.choice([0x61, 0x64, 0x65, 0x79])]) + tlv(4, source.randbytes(40))[1:]))
    elif mode == "wrong-id":
        number = answer_until(client, 0x60)
        for i in range(2000):
            client.send(message(number + 1000 + i, result(0x61)))
            time.sleep(0.005)
    elif mode == "huge":
        answer_until(client, 0x60)
        client.send(b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01")
        try:
            while True:
                client.send(b"\x61" * 65536)
        except OSError:
            pass
    elif mode == "early-success":
        number = answer_until(client, 0x60)
        client.send(message(number, result(0x61)))
        client.take()
    elif mode == "question-hang":
        number = answer_until(client, 0x63)
        while True:
            client.send(message(number, entry(b"dc=x", [(b"contextCSN", [CSN])])))
            time.sleep(0.2)


def serve_follow(client):
    """bind, contextCSN, then the search with the sync control."""
    asked = 0
    while True:
        taken = client.take()
        if taken is None:
            return
        number, tag = taken
        if tag == 0x60:
            client.send(message(number, result(0x61)))
        elif tag == 0x63 and asked == 0:
            asked += 1
            csn = b"20200102030405.678901Z#000000#001#000000" if mode == "behind" else CSN
            client.send(message(number, entry(b"dc=x", [(b"contextCSN", [csn])])) + message(number, result(0x65)))
        elif tag == 0x63:
            break
    if mode == "referrals":
        while True:
            client.send(message(number, REFERENCE))
    if mode == "says-53":
        client.send(message(number, result(0x65, 53, text=b"consumer state is newer than provider!")))
        client.take()
    if mode == "disconnect":
        client.send(message(0, result(0x78, 52, more=tlv(0x8A, b"1.3.6.1.4.1.1466.20036"))))
    hang()


def run(sock):
    try:
        if context is not None and not mode.startswith("starttls") and mode not in ("silent", "drip"):
            sock = context.wrap_socket(sock, server_side=True)
        client = Client(sock)
        if mode in ("referrals", "refresh-hang", "behind", "disconnect", "says-53"):
            serve_follow(client)
        else:
            serve(client)
    except (OSError, ssl.SSLError):
        pass
    finally:
        sock.close()


signal.alarm(120)
listener = socket.create_server(("127.0.0.1", port))
print("ready", flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=run, args=(accepted,), daemon=True).start()
