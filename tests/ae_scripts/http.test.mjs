/** HTTP over a blocking, partial Socket: exact bytes out, and an end to every reply. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reply, Service } from "./host/service.mjs";
import { inside, send, stage } from "./stage.mjs";

function exchange(t, answer) {
    const { host, run } = inside(t);
    host.network.servers.set("127.0.0.1:8765", answer);
    const ask = (more = "") => run(`(function () { try { var r = httpExchange({ host: "127.0.0.1", port: 8765, method: "GET", path: "/jobs", headers: { Authorization: "Bearer t" }, seconds: 2 ${more} }); return r.status + " " + r.body; } catch (e) { return e.kind + ": " + e.message; } })()`);
    return { host, ask };
}

test("requests are exact: BINARY, HTTP/1.0, CRLF, token, bytes counted", (t) => {
    const { host, ask } = exchange(t, () => reply(200, "{}"));
    ask(", method: \"POST\", body: \"{\\\"a\\\":\\\"\\u00e9\\ud83c\\udfac\\\"}\"");
    assert.deepEqual(host.network.opened, [["127.0.0.1:8765", "BINARY"]]);
    const body = Buffer.from("{\"a\":\"\u00e9\ud83c\udfac\"}", "utf8").toString("latin1");
    assert.equal(host.network.requests[0], [
        "POST /jobs HTTP/1.0", "Host: 127.0.0.1:8765", "Connection: close", "Authorization: Bearer t",
        "Content-Type: application/json", `Content-Length: ${body.length}`, "", body,
    ].join("\r\n"));
});

const WHOLE = "{\"text\":\"\u00fcber \ud83c\udfac " + "x".repeat(9000) + "\"}";
const BYTES = Buffer.from(WHOLE, "utf8").toString("latin1");

for (const [name, more] of Object.entries({
    "at once": {}, "byte by byte": { sizes: [1] }, "split inside header and UTF-8": { sizes: [13, 61, 1, 1, 2, 700] },
    "with pauses in which eof is true": { sizes: [50], pauses: [50, 100, 4000] }, "by a server that keeps the connection open": { open: true },
})) {
    test(`a reply is read whole ${name}`, (t) => {
        const { ask } = exchange(t, () => reply(200, BYTES, structuredClone(more)));
        assert.equal(ask(), `200 ${WHOLE}`);
    });
}

test("a reply without Content-Length ends where the connection does", (t) => {
    const { ask } = exchange(t, () => ({ bytes: "HTTP/1.0 200 OK\r\n\r\n[1,2]", sizes: [9] }));
    assert.equal(ask(), "200 [1,2]");
});

for (const [name, answer, kind] of [
    ["chunked", { bytes: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" }, "garbage: .*chunks"],
    ["cut off", { bytes: "HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"a\"" }, "garbage: .*broke off"],
    ["no HTTP", { bytes: "SSH-2.0-OpenSSH\r\n" }, "garbage: .*no HTTP"],
    ["nothing", { bytes: "" }, "garbage: "],
    ["endless", { bytes: `HTTP/1.1 200 OK\r\n\r\n${"y".repeat(3 * 2 ** 20)}`, sizes: [65536] }, "garbage: .*too long"],
    ["silence", { bytes: "", never: true }, "timeout: "],
    ["silence in the middle", { bytes: "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", open: true }, "timeout: "],
]) {
    test(`${name} is told as what it is, in bounded time`, (t) => {
        const { host, ask } = exchange(t, () => ({ ...answer }));
        const before = host.clock.now();
        assert.match(ask(), new RegExp(kind));
        assert.ok(host.clock.now() - before < 5000, "After Effects was blocked for longer than two timeouts");
    });
}

test("nobody listening is offline", (t) => {
    const { host, ask } = exchange(t, () => reply(200, "{}"));
    host.network.servers.clear();
    assert.match(ask(), /^offline: /);
});

for (const [name, answer, told] of [
    ["a wrong token", (s) => s.problem(401, "The token is missing or wrong.", "unauthorized"), /token/],
    ["a refusal with its fix", (s) => s.problem(422, "There is no /x.", "plate_missing", "Check the path."), /DropKey: There is no \/x\. Check the path\./],
    ["wrong fields", () => reply(422, { type: "urn:dropkey:problem:invalid_request", detail: "It does not fit.", errors: [{ where: "body.fps", message: "bad" }] }), /body\.fps: bad/],
    ["an HTML page", () => reply(200, "<html>"), /not JSON \(status 200\)/],
    ["a crash", () => reply(500, { detail: "The service failed." }), /The service failed/],
]) {
    test(`${name} is worded for the artist`, (t) => {
        const scene = stage(t);
        scene.service.override = ({ target }) => target === "/jobs" && answer(scene.service);
        send(scene);
        assert.match(scene.host.message(scene.panel), told);
        assert.equal(scene.host.undoDepth, 0);
    });
}

test("another version, loading, absent and set up elsewhere are different states", (t) => {
    const state = (scene) => { scene.host.press(scene.panel, "Refresh"); return [scene.host.status(scene.panel), scene.host.message(scene.panel)].join(" "); };
    assert.match(state(stage(t)), /ready/);
    const loading = stage(t);
    loading.service.ready = false;
    assert.match(state(loading), /loading/);
    const gone = stage(t);
    gone.service.leave();
    assert.match(state(gone), /not set up/);
    const crashed = stage(t);
    crashed.host.network.servers.clear();
    assert.match(state(crashed), /offline/);
    const newer = stage(t);
    newer.service.discovery.version = "1.0.0";
    newer.service.announce();
    assert.match(state(newer), /other version.*panel install/);
    const damaged = stage(t);
    damaged.service.discovery.url = "ftp://x";
    damaged.service.announce();
    assert.match(state(damaged), /discovery file/);
});

test("a second service on another port is found by its own discovery file", (t) => {
    const scene = stage(t, { load: true, port: 9911 });
    send(scene);
    assert.ok(scene.service instanceof Service);
    assert.equal(scene.host.network.opened.at(-1)[0], "127.0.0.1:9911");
});
