/** JSON without `eval`: what comes from a file or a socket is read as data, and malformed text is an error. */

var JSON_ESCAPES = { "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\"": "\\\"", "\\": "\\\\" };
var JSON_UNESCAPES = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", "\"": "\"", "\\": "\\", "/": "/" };

/** `value` as JSON in plain ASCII; functions and undefined are left out, NaN and infinities become null. */
function jsonStringify(value) {
    return jsonWritten(value, 0);
}

function jsonWritten(value, depth) {
    if (depth > JSON_DEEPEST) {
        throw new Error("The data is nested too deeply to be written.");
    }
    if (typeof value === "string") {
        return jsonQuoted(value);
    }
    if (typeof value === "number") {
        return isFinite(value) ? String(value) : "null";
    }
    if (typeof value === "boolean") {
        return String(value);
    }
    if (value === null || typeof value !== "object") {
        return "null";
    }
    var parts = [];
    if (isList(value)) {
        for (var i = 0; i < value.length; i += 1) {
            parts.push(jsonWritten(value[i], depth + 1));
        }
        return "[" + parts.join(",") + "]";
    }
    for (var key in value) {
        if (has(value, key) && value[key] !== undefined && typeof value[key] !== "function") {
            parts.push(jsonQuoted(key) + ":" + jsonWritten(value[key], depth + 1));
        }
    }
    return "{" + parts.join(",") + "}";
}

function jsonQuoted(text) {
    var parts = ["\""];
    var plain = 0;
    for (var i = 0; i < text.length; i += 1) {
        var character = text.charAt(i);
        var code = text.charCodeAt(i);
        if (code < 32 || code > 126 || character === "\"" || character === "\\") {
            parts.push(text.substring(plain, i));
            parts.push(has(JSON_ESCAPES, character) ? JSON_ESCAPES[character] : "\\u" + jsonHex(code));
            plain = i + 1;
        }
    }
    parts.push(text.substring(plain), "\"");
    return parts.join("");
}

function jsonHex(code) {
    var text = code.toString(16);
    while (text.length < 4) {
        text = "0" + text;
    }
    return text;
}

/** The value that JSON `text` stands for; throws an Error that names the place where it is malformed. */
function jsonParse(text) {
    var reader = { text: String(text), at: 0 };
    if (reader.text.charCodeAt(0) === 0xfeff) {
        reader.at = 1;
    }
    var value = jsonValue(reader, 0);
    jsonSkip(reader);
    if (reader.at < reader.text.length) {
        jsonFail(reader);
    }
    return value;
}

function jsonFail(reader) {
    throw new Error("This is not JSON (at character " + reader.at + ").");
}

function jsonSkip(reader) {
    var code = reader.text.charCodeAt(reader.at);
    while (code === 32 || code === 9 || code === 10 || code === 13) {
        reader.at += 1;
        code = reader.text.charCodeAt(reader.at);
    }
}

function jsonValue(reader, depth) {
    if (depth > JSON_DEEPEST) {
        jsonFail(reader);
    }
    jsonSkip(reader);
    var first = reader.text.charAt(reader.at);
    if (first === "{") {
        return jsonObject(reader, depth);
    }
    if (first === "[") {
        return jsonList(reader, depth);
    }
    if (first === "\"") {
        return jsonText(reader);
    }
    return jsonPlain(reader);
}

function jsonPlain(reader) {
    var words = ["true", "false", "null"];
    var values = [true, false, null];
    for (var i = 0; i < words.length; i += 1) {
        if (reader.text.substr(reader.at, words[i].length) === words[i]) {
            reader.at += words[i].length;
            return values[i];
        }
    }
    var found = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/.exec(reader.text.substr(reader.at, 400));
    if (!found) {
        jsonFail(reader);
        return null;
    }
    reader.at += found[0].length;
    return Number(found[0]);
}

function jsonText(reader) {
    var parts = [];
    var plain = reader.at + 1;
    for (var i = plain; i < reader.text.length; i += 1) {
        var character = reader.text.charAt(i);
        if (character === "\"") {
            parts.push(reader.text.substring(plain, i));
            reader.at = i + 1;
            return parts.join("");
        }
        if (reader.text.charCodeAt(i) < 32) {
            break;
        }
        if (character === "\\") {
            parts.push(reader.text.substring(plain, i));
            reader.at = i;
            i += jsonEscape(reader, parts);
            plain = i + 1;
        }
    }
    jsonFail(reader);
    return "";
}

/** Adds the escaped character at the reader to `parts`; returns how many characters stand behind the backslash. */
function jsonEscape(reader, parts) {
    var letter = reader.text.charAt(reader.at + 1);
    if (letter === "u") {
        var digits = reader.text.substr(reader.at + 2, 4);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
            jsonFail(reader);
        }
        parts.push(String.fromCharCode(parseInt(digits, 16)));
        return 5;
    }
    if (letter === "" || !has(JSON_UNESCAPES, letter)) {
        jsonFail(reader);
    }
    parts.push(JSON_UNESCAPES[letter]);
    return 1;
}

function jsonList(reader, depth) {
    var list = [];
    reader.at += 1;
    jsonSkip(reader);
    if (reader.text.charAt(reader.at) === "]") {
        reader.at += 1;
        return list;
    }
    while (true) {
        list.push(jsonValue(reader, depth + 1));
        if (jsonEnds(reader, "]")) {
            return list;
        }
    }
}

function jsonObject(reader, depth) {
    var object = {};
    reader.at += 1;
    jsonSkip(reader);
    if (reader.text.charAt(reader.at) === "}") {
        reader.at += 1;
        return object;
    }
    while (true) {
        jsonSkip(reader);
        if (reader.text.charAt(reader.at) !== "\"") {
            jsonFail(reader);
        }
        var key = jsonText(reader);
        jsonSkip(reader);
        if (reader.text.charAt(reader.at) !== ":") {
            jsonFail(reader);
        }
        reader.at += 1;
        var value = jsonValue(reader, depth + 1);
        // Stored under this key it would become the object's prototype.
        if (key !== "__proto__") {
            object[key] = value;
        }
        if (jsonEnds(reader, "}")) {
            return object;
        }
    }
}

/** Steps over a comma or the closing sign; true when it was the closing one. */
function jsonEnds(reader, closing) {
    jsonSkip(reader);
    var found = reader.text.charAt(reader.at);
    if (found !== closing && found !== ",") {
        jsonFail(reader);
    }
    reader.at += 1;
    return found === closing;
}
