import base64, socketserver


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            _, name, offset, size = line.decode().split()
            with open("testdata/" + name, "rb") as file:
                file.seek(int(offset))
                data = file.read(int(size))
            self.wfile.write(b"0 OK\r\n" + base64.b64encode(data) + b"\r\n")


socketserver.TCPServer.allow_reuse_address = True
server = socketserver.ThreadingTCPServer(("", 19500), Client)
print("listening on port 19500", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:  # Ctrl-C
    pass
