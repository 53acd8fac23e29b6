/** ExtendScript's Socket: blocking, partial, with servers that tests script, or the real network behind it. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ONCE = fileURLToPath(new URL("./tcp_once.mjs", import.meta.url));

export function makeNetwork(host) {
    const servers = new Map(); // "host:port" → (request bytes) → {bytes, sizes, open, never}
    const network = { servers, opened: [], requests: [], real: false };

    /** One exchange with a real TCP server, in a process of its own, because this one may not wait. */
    function exchange(address, request) {
        const [name, port] = address.split(":");
        const reply = execFileSync(process.execPath, [ONCE, name, port], {
            input: Buffer.from(request, "latin1"), maxBuffer: 2 ** 26, timeout: 60000,
        });
        return { bytes: reply.toString("latin1"), sizes: [7, 1, 500, 3] };
    }

    class Socket {
        static hostKind = "Socket";
        constructor() {
            this.timeout = 10;
            this.connected = false;
            this.encoding = "";
            this.error = "";
            this.sent = "";
            this.waiting = null;
        }
        get eof() { return !this.waiting || this.waiting.at >= this.waiting.bytes.length; }
        open(address, encoding) {
            if (!host.permission) throw new Error("Socket: permission denied");
            network.opened.push([address, encoding]);
            if (!network.real && !servers.has(address)) return false;
            this.address = address;
            this.encoding = encoding;
            this.connected = true;
            return true;
        }
        write(text) {
            if (!this.connected) return false;
            this.sent += this.encoding === "BINARY" ? text : text.split("\r\n").join("\n");
            return true;
        }
        read(most) {
            this.#ask();
            const reply = this.waiting;
            const left = reply.bytes.length - reply.at;
            if (reply.never || left === 0) {
                if (reply.never || reply.open) {
                    host.clock.advance(this.timeout * 1000);
                } else {
                    this.connected = false;
                }
                return "";
            }
            if (reply.pauses?.length && reply.pauses[0] <= reply.at) {
                reply.pauses.shift(); // nothing waits right now, and the connection lives on
                host.clock.advance(10);
                return "";
            }
            const size = Math.min(most, left, reply.sizes?.length ? reply.sizes[reply.turn++ % reply.sizes.length] : left);
            const text = reply.bytes.substr(reply.at, size);
            reply.at += size;
            return text;
        }
        close() { this.connected = false; return true; }
        #ask() {
            if (this.waiting) return;
            network.requests.push(this.sent);
            const answer = network.real ? exchange(this.address, this.sent) : servers.get(this.address)(this.sent);
            this.waiting = { at: 0, turn: 0, ...answer };
        }
    }
    return { Socket, network };
}
