/** What ES3 lacks: own keys, lists, text, UTF-8, JSON. Never adds to built-in prototypes, never evaluates text. */

var JSON_DEEPEST = 100;

/** Tells whether `key` is the object's own; other scripts may have extended Object.prototype. */
function has(object, key) {
    return object !== null && object !== undefined && Object.prototype.hasOwnProperty.call(object, key);
}

/** The own value under `key`, else `otherwise`. */
function own(object, key, otherwise) {
    return has(object, key) ? object[key] : otherwise;
}

function isList(value) {
    return Object.prototype.toString.call(value) === "[object Array]";
}

function isText(value) {
    return typeof value === "string";
}

function positionIn(list, value) {
    for (var i = 0; i < list.length; i += 1) {
        if (list[i] === value) {
            return i;
        }
    }
    return -1;
}

function without(list, value) {
    var kept = [];
    for (var i = 0; i < list.length; i += 1) {
        if (list[i] !== value) {
            kept.push(list[i]);
        }
    }
    return kept;
}

/** A copy of `base` with the own keys of `more` laid over it. */
function merged(base, more) {
    var result = {};
    var key;
    for (key in base) {
        if (has(base, key)) {
            result[key] = base[key];
        }
    }
    for (key in more) {
        if (has(more, key)) {
            result[key] = more[key];
        }
    }
    return result;
}

function trimmed(text) {
    return String(text).replace(/^\s+/, "").replace(/\s+$/, "");
}

function startsWith(text, start) {
    return text.substr(0, start.length) === start;
}

function endsWith(text, end) {
    return text.length >= end.length && text.substr(text.length - end.length) === end;
}

/** Text with `{0}`, `{1}` ... replaced by the further arguments. */
function filled(text) {
    var result = String(text);
    for (var i = 1; i < arguments.length; i += 1) {
        result = result.split("{" + (i - 1) + "}").join(String(arguments[i]));
    }
    return result;
}

function padded(number, digits) {
    var text = String(Math.abs(number));
    while (text.length < digits) {
        text = "0" + text;
    }
    return (number < 0 ? "-" : "") + text;
}

/** Bytes (one character each) of `text` in UTF-8; lone surrogates become U+FFFD. */
function utf8Encode(text) {
    var bytes = [];
    for (var i = 0; i < text.length; i += 1) {
        var code = text.charCodeAt(i);
        if (code >= 0xd800 && code <= 0xdfff) {
            var low = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
            if (code < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
                code = 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00);
                i += 1;
            } else {
                code = 0xfffd;
            }
        }
        bytes.push(utf8Character(code));
    }
    return bytes.join("");
}

function utf8Character(code) {
    if (code < 0x80) {
        return String.fromCharCode(code);
    }
    if (code < 0x800) {
        return String.fromCharCode(0xc0 | (code >> 6)) + utf8Rest(code);
    }
    if (code < 0x10000) {
        return String.fromCharCode(0xe0 | (code >> 12)) + utf8Rest(code >> 6) + utf8Rest(code);
    }
    return String.fromCharCode(0xf0 | (code >> 18)) + utf8Rest(code >> 12) + utf8Rest(code >> 6) + utf8Rest(code);
}

function utf8Rest(code) {
    return String.fromCharCode(0x80 | (code & 0x3f));
}

/** The text that UTF-8 `bytes` (one character each) stand for; damaged places become U+FFFD. */
function utf8Decode(bytes) {
    var text = [];
    var i = 0;
    while (i < bytes.length) {
        var first = bytes.charCodeAt(i);
        var length = utf8Length(first);
        var code = length === 1 ? first : first & (0x7f >> length);
        var read = 1;
        while (read < length && i + read < bytes.length && (bytes.charCodeAt(i + read) & 0xc0) === 0x80) {
            code = code * 64 + (bytes.charCodeAt(i + read) & 0x3f);
            read += 1;
        }
        i += read;
        if (length === 0 || read < length || code > 0x10ffff) {
            text.push("\ufffd");
        } else if (code > 0xffff) {
            text.push(String.fromCharCode(0xd800 + ((code - 0x10000) >> 10)));
            text.push(String.fromCharCode(0xdc00 + ((code - 0x10000) & 0x3ff)));
        } else {
            text.push(String.fromCharCode(code));
        }
    }
    return text.join("");
}

function utf8Length(first) {
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first < 0xe0) {
        return 2;
    }
    if (first >= 0xe0 && first < 0xf0) {
        return 3;
    }
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}
