"""The first message of a TLS client, made and read by OpenSSL, so that the tests need no parser of their own."""
import ssl

SERVER_NAME, ENCRYPTED = 0, 0xfe0d  # types of extensions: RFC 6066, and Encrypted Client Hello


def make(name):
    """Returns the bytes of a ClientHello for that name, in one record. None makes one without a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("the handshake ended without a server")


def with_extension(hello, kind, content):
    """Returns the hello with one more extension at its end."""
    body = hello[9:]  # behind the headers of the record and of the message
    at = 34  # behind the version and the random bytes
    at += 1 + body[at]  # the session
    at += 2 + int.from_bytes(body[at:at + 2], "big")  # the ciphers
    at += 1 + body[at]  # the compressions
    extensions = body[at + 2:] + sized(content, 2, kind.to_bytes(2, "big"))
    message = sized(body[:at] + sized(extensions, 2), 3, hello[5:6])
    return sized(message, 2, hello[:3])


def sized(content, width, before=b""):
    return before + len(content).to_bytes(width, "big") + content


def with_names(*names):
    """Returns a hello whose extension has several names, which RFC 6066 forbids."""
    return with_extension(make(None), SERVER_NAME, sized(b"".join(sized(each.encode(), 2, b"\0") for each in names), 2))


def in_records(hello, size):
    """Returns the same hello in several records of at most that size."""
    message = hello[5:]
    return b"".join(sized(message[at:at + size], 2, hello[:3]) for at in range(0, len(message), size))


def read_name(receive):
    """Returns the name in a ClientHello, "" when it has none, or None when OpenSSL finds no sound ClientHello.
    `receive(size)` gives the next bytes of the client."""
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _, name, __: names.append(name or "")
    incoming = ssl.MemoryBIO()
    server = context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    while not names:
        more = receive(4096)
        if not more:
            return None
        incoming.write(more)
        try:
            server.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            break
    return names[0] if names else None
