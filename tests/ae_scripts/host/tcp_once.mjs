/** Sends what comes on stdin to host and port, and prints what comes back until the other side closes. */
import net from "node:net";

const [, , host, port] = process.argv;
const parts = [];
process.stdin.on("data", (part) => parts.push(part));
process.stdin.on("end", () => {
    const socket = net.connect(Number(port), host, () => socket.write(Buffer.concat(parts)));
    socket.on("data", (part) => process.stdout.write(part));
    socket.on("error", () => process.exit(1));
    socket.on("close", () => process.stdout.end());
});
