/** Files and folders: names to show, text in and out, and writes that nobody reads half. */

/** A file's name as people read it; a lone `%` in it must not break the panel. */
function shownName(file) {
    try {
        return File.decode(file.name);
    } catch (ignored) {
        return String(file.name);
    }
}

function isWindows() {
    return $.os.indexOf("Windows") !== -1;
}

/** Joins native path parts with the separator that `folder` uses. */
function joinedPath(folder, name) {
    var separator = folder.indexOf("\\") !== -1 || /^[A-Za-z]:$/.test(folder) ? "\\" : "/";
    var last = folder.charAt(folder.length - 1);
    return last === "/" || last === "\\" ? folder + name : folder + separator + name;
}

/** A File for a native path. `new File` reads it as a URI, in which `%` and `#` mean something else. */
function fileAt(nativePath) {
    return new File(uriOf(nativePath));
}

function folderAt(nativePath) {
    return new Folder(uriOf(nativePath));
}

function uriOf(nativePath) {
    return nativePath.split("%").join("%25").split("#").join("%23");
}

/** The part of a native path in front of its name. */
function parentPath(nativePath) {
    var end = Math.max(nativePath.lastIndexOf("/"), nativePath.lastIndexOf("\\"));
    return end <= 0 ? nativePath : nativePath.substring(0, end);
}

function lastName(nativePath) {
    return nativePath.substring(Math.max(nativePath.lastIndexOf("/"), nativePath.lastIndexOf("\\")) + 1);
}

/** A native path that may come relative to `folder`, as paths in status and manifest do; `..` is resolved. */
function resolvedPath(folder, path) {
    var whole = isAbsolutePath(path) ? path : joinedPath(folder, path);
    var separator = whole.indexOf("\\") !== -1 ? "\\" : "/";
    var unc = startsWith(whole, "\\\\") || startsWith(whole, "//");
    var parts = whole.split("\\").join("/").split("/");
    var kept = [];
    for (var i = 0; i < parts.length; i += 1) {
        if (parts[i] === "..") {
            kept.pop();
        } else if (parts[i] !== "." && (parts[i] !== "" || i === 0)) {
            kept.push(parts[i]);
        }
    }
    return (unc ? separator : "") + kept.join(separator);
}

function isAbsolutePath(path) {
    var slashed = path.split("\\").join("/");
    return slashed.charAt(0) === "/" || (/^[A-Za-z]:/.test(slashed) && slashed.charAt(2) === "/");
}

/** The text of a UTF-8 file, or null when there is none or it cannot be read. */
function readText(file) {
    if (!file.exists) {
        return null;
    }
    file.encoding = "UTF-8";
    if (!file.open("r")) {
        return null;
    }
    try {
        return file.read();
    } finally {
        file.close();
    }
}

/** Puts `text` into the file at a native path in one step, and reads it back; throws a problem when it is not there. */
function writeText(nativePath, text) {
    var folder = folderAt(parentPath(nativePath));
    if (!folder.exists && !folder.create()) {
        throw unwritable(nativePath);
    }
    var temporary = fileAt(joinedPath(folder.fsName, "." + lastName(nativePath) + "." + shared.instance + ".tmp"));
    temporary.encoding = "UTF-8";
    temporary.lineFeed = "Unix";
    if (!temporary.open("w")) {
        throw unwritable(nativePath);
    }
    var written = false;
    try {
        written = temporary.write(text);
    } finally {
        written = temporary.close() && written;
    }
    var target = fileAt(nativePath);
    // `rename` does not replace on every system.
    if (written && target.exists) {
        written = target.remove();
    }
    if (!written || !temporary.rename(lastName(nativePath)) || readText(fileAt(nativePath)) !== text) {
        attempt(function () { temporary.remove(); }, null);
        throw unwritable(nativePath);
    }
}

function unwritable(nativePath) {
    return problem(
        "not-writable",
        filled(SAYS.cannotBeWritten, nativePath),
        SAYS.checkThatTheDiskHasRoom
    );
}

/** A name that every file system takes, made of what the artist called a layer or comp. */
function safeFileName(text) {
    var plain = String(text).replace(/[^A-Za-z0-9_-]+/g, "_").replace(/^_+/, "").replace(/_+$/, "").substring(0, 60);
    if (plain === "") {
        return "shot";
    }
    // Digits at the end would be read as part of the frame number.
    return /[0-9]$/.test(plain) ? plain + "_" : plain;
}
