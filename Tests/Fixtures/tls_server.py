#!/usr/bin/env python3
"""A web server over TLS for the tests of the HTTP transport: it answers every request with the
protocol and the number of the connection, such as "h2 0". Standard output is its port.

HTTP/2 is spoken where the client offers it and --protocol allows it: just enough of RFC 9113 to
answer, which needs no packages. With "cutting" every connection is cut in the first request.
"""

import argparse
import socket
import ssl
import threading

SETTINGS, HEADERS, DATA = 4, 1, 0
END_STREAM, ACKNOWLEDGEMENT, END_HEADERS = 1, 1, 4
STATUS_200 = b"\x88"  # the eighth entry of HPACK's static table


def read(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data


def serve_http1(connection, number):
    head = b""
    while True:
        head += read(connection, 1)
        if not head.endswith(b"\r\n\r\n"):
            continue
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                read(connection, int(line.split(b":")[1]))
        body = b"h1 %d" % number
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        head = b""


def serve_http2(connection, number):
    def send(kind, flags, stream, payload=b""):
        size = len(payload).to_bytes(3, "big")
        connection.sendall(size + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload)

    read(connection, len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    send(SETTINGS, 0, 0)
    while True:
        frame = read(connection, 9)
        kind, flags, stream = frame[3], frame[4], int.from_bytes(frame[5:], "big")
        read(connection, int.from_bytes(frame[:3], "big"))
        if kind == SETTINGS and not flags & ACKNOWLEDGEMENT:
            send(SETTINGS, ACKNOWLEDGEMENT, 0)
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            send(HEADERS, END_HEADERS, stream, STATUS_200)
            send(DATA, END_STREAM, stream, b"h2 %d" % number)


def serve(context, plain, number, is_cutting):
    try:
        with context.wrap_socket(plain, server_side=True) as connection:
            if is_cutting:
                read(connection, 1)
                return  # what has not been read makes this a reset
            is_http2 = connection.selected_alpn_protocol() == "h2"
            (serve_http2 if is_http2 else serve_http1)(connection, number)
    except (OSError, ConnectionError):
        pass  # the client has gone, or does not trust us


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--certificate", required=True)
    arguments.add_argument("--key", required=True)
    protocols = ["h2", "http/1.1", "none", "cutting"]
    arguments.add_argument("--protocol", choices=protocols, required=True)
    arguments = arguments.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.certificate, arguments.key)
    is_cutting = arguments.protocol == "cutting"
    if arguments.protocol in ("h2", "http/1.1"):
        context.set_alpn_protocols([arguments.protocol])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    number = 0
    while True:
        plain, _ = listener.accept()
        task = (context, plain, number, is_cutting)
        threading.Thread(target=serve, args=task, daemon=True).start()
        number += 1


if __name__ == "__main__":
    main()
