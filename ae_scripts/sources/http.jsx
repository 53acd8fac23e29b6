/** One HTTP/1.0 exchange over ExtendScript's Socket: bounded in time and size, bytes in, bytes out. */

var HTTP_READ = 4096;
var HTTP_MOST_BYTES = 1024 * 1024;

/**
 * Sends a request and returns {status, headers, body}; the body is decoded text.
 * `ask` is {host, port, method, path, headers, body, seconds}. Throws a problem of kind offline, timeout or garbage.
 */
function httpExchange(ask) {
    var socket = new Socket();
    socket.timeout = ask.seconds;
    // Without BINARY, After Effects changes line ends on the way.
    if (!socket.open(ask.host + ":" + ask.port, "BINARY")) {
        throw problem(
            "offline",
            SAYS.dropkeyDoesNotAnswer,
            howToStart(SAYS.pressStartDropkey, SAYS.startItThenRefresh)
        );
    }
    try {
        if (!socket.write(httpRequestBytes(ask))) {
            throw problem("offline", SAYS.theConnectionToDropkeyBroke, SAYS.pressRefresh);
        }
        return httpRead(socket, ask.seconds);
    } finally {
        attempt(function () { socket.close(); }, null);
    }
}

function httpRequestBytes(ask) {
    var body = ask.body === undefined || ask.body === null ? "" : utf8Encode(ask.body);
    var lines = [ask.method + " " + ask.path + " HTTP/1.0", "Host: " + ask.host + ":" + ask.port, "Connection: close"];
    for (var name in ask.headers) {
        if (has(ask.headers, name)) {
            lines.push(name + ": " + ask.headers[name]);
        }
    }
    if (body !== "" || ask.method === "POST" || ask.method === "PATCH") {
        lines.push("Content-Type: application/json", "Content-Length: " + body.length);
    }
    return lines.join("\r\n") + "\r\n\r\n" + body;
}

function httpRead(socket, seconds) {
    var deadline = new Date().getTime() + seconds * 1000;
    /** @type {any} */
    var reply = { parts: [], read: 0, head: "", whole: NaN };
    while (isNaN(reply.whole) || reply.read < reply.whole) {
        var chunk = socket.read(isNaN(reply.whole) ? HTTP_READ : reply.whole - reply.read);
        reply.parts.push(chunk);
        reply.read += chunk.length;
        if (reply.read > HTTP_MOST_BYTES) {
            throw problem("garbage", SAYS.dropkeysAnswerIsTooLong, SAYS.pressRefreshUpdateDropkeyIfIt);
        }
        if (isNaN(reply.whole)) {
            httpMeasure(reply);
        }
        // `eof` only says that nothing waits right now; the end is where the connection closed and nothing came.
        if (chunk === "" && !socket.connected) {
            break;
        }
        if (new Date().getTime() >= deadline && !(reply.read >= reply.whole)) {
            throw problem("timeout", SAYS.dropkeyDidNotAnswerInTime, SAYS.itMayBeBusyPressRefresh);
        }
    }
    return httpReply(reply.parts.join(""));
}

/** Finds out how long the reply will be, once its head is there; each byte of the head is looked at once or twice. */
function httpMeasure(reply) {
    if (reply.head === null) {
        return;
    }
    reply.head += reply.parts[reply.parts.length - 1];
    var end = reply.head.indexOf("\r\n\r\n");
    if (end !== -1) {
        var length = Number(own(httpHeaders(reply.head.substring(0, end)), "content-length", NaN));
        reply.whole = end + 4 + length;
        reply.head = null;
    }
}

function httpHeaders(head) {
    var headers = {};
    var lines = head.split("\r\n");
    for (var i = 1; i < lines.length; i += 1) {
        var colon = lines[i].indexOf(":");
        if (colon > 0) {
            headers[lines[i].substring(0, colon).toLowerCase()] = trimmed(lines[i].substring(colon + 1));
        }
    }
    return headers;
}

function httpReply(data) {
    var end = data.indexOf("\r\n\r\n");
    var found = /^HTTP\/1\.[01] ([0-9][0-9][0-9])/.exec(data);
    if (end === -1 || !found) {
        throw garbageReply(SAYS.itIsNoHttp);
    }
    var headers = httpHeaders(data.substring(0, end));
    if (has(headers, "transfer-encoding")) {
        throw garbageReply(SAYS.itComesInChunksWhichAfter);
    }
    var body = data.substring(end + 4);
    var length = Number(own(headers, "content-length", body.length));
    if (body.length < length) {
        throw garbageReply(SAYS.itBrokeOff);
    }
    return { status: Number(found[1]), headers: headers, body: utf8Decode(body.substring(0, length)) };
}

function garbageReply(why) {
    return problem(
        "garbage",
        filled(SAYS.whatAnswersAtDropkeysAddressIs, why),
        SAYS.checkThatNoOtherProgramUses
    );
}
