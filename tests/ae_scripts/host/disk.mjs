/** Files and folders as ExtendScript has them, on a real disk; drive letters may stand for folders of it. */
import fs from "node:fs";
import path from "node:path";

export function makeDisk(host) {
    const drives = new Map();

    function toReal(native) {
        for (const [letter, folder] of drives) {
            if (native.toLowerCase().startsWith(letter.toLowerCase())) {
                return path.join(folder, ...native.slice(letter.length).split(/[\\/]/));
            }
        }
        return native;
    }

    function toNative(real) {
        for (const [letter, folder] of drives) {
            if (real === folder || real.startsWith(folder + path.sep)) {
                return letter + real.slice(folder.length).split(path.sep).join("\\");
            }
        }
        return real;
    }

    function decoded(text) {
        try {
            return decodeURIComponent(text);
        } catch {
            return text;
        }
    }

    class Entry {
        constructor(given) {
            this.native = decoded(String(given ?? ""));
            if (/^[A-Za-z]:[\\/]/.test(this.native)) this.native = this.native.split("/").join("\\");
            if (this.native.length > 1) this.native = this.native.replace(/[\\/]+$/, "");
            this.error = "";
        }
        /** With `decomposes`, names come as macOS stores them, accents apart, and are found however they are written. */
        get real() {
            const real = toReal(this.native);
            return host.decomposes && !fs.existsSync(real) ? real.normalize("NFC") : real;
        }
        get fsName() { return this.native; }
        get name() { return encodeURI(path.basename(this.real)).split("#").join("%23"); }
        get absoluteURI() { return encodeURI(this.native); }
        get fullName() { return this.absoluteURI; }
        get parent() { return new Folder(encodeParent(toNative(path.dirname(this.real)))); }
        rename(name) {
            if (host.readOnly || !fs.existsSync(this.real)) return false;
            const target = path.join(path.dirname(this.real), decoded(name));
            if (fs.existsSync(target)) return false;
            fs.renameSync(this.real, target);
            this.native = toNative(target);
            return true;
        }
    }

    const encodeParent = (native) => native.split("%").join("%25");

    class File extends Entry {
        static hostKind = "File";
        constructor(given) {
            super(given);
            this.encoding = "BINARY";
            this.lineFeed = "";
            this.handle = null;
            if (given !== undefined && fs.existsSync(this.real) && fs.statSync(this.real).isDirectory()) {
                return new Folder(given);
            }
        }
        get exists() { return fs.existsSync(this.real) && fs.statSync(this.real).isFile(); }
        get length() { return this.exists ? fs.statSync(this.real).size : 0; }
        open(mode) {
            if (mode === "r") {
                if (!this.exists) return false;
                host.opened += 1;
                this.handle = { mode, text: fs.readFileSync(this.real, this.encoding === "UTF-8" ? "utf8" : "latin1") };
                return true;
            }
            if (!host.permission || host.readOnly || !fs.existsSync(path.dirname(this.real))) return false;
            host.writes.push(this.native);
            host.opened += 1;
            this.handle = { mode, text: "" };
            fs.writeFileSync(this.real, "");
            return true;
        }
        read() { return this.handle?.text ?? ""; }
        write(text) {
            if (!this.handle || host.diskFull) return false;
            this.handle.text += text;
            return true;
        }
        close() {
            if (!this.handle) return false;
            if (this.handle.mode === "w") {
                fs.writeFileSync(this.real, this.handle.text, this.encoding === "UTF-8" ? "utf8" : "latin1");
            }
            this.handle = null;
            return true;
        }
        remove() {
            if (!this.exists) return false;
            fs.unlinkSync(this.real);
            return true;
        }
        execute() { host.executed.push(this.native); return true; }
        static decode(text) {
            try {
                return decodeURIComponent(text);
            } catch {
                throw new Error("Bad URI");
            }
        }
    }

    class Folder extends Entry {
        static hostKind = "Folder";
        get exists() { return fs.existsSync(this.real) && fs.statSync(this.real).isDirectory(); }
        create() {
            if (!host.permission || host.readOnly) return false;
            try {
                fs.mkdirSync(this.real, { recursive: true });
                return true;
            } catch {
                return false;
            }
        }
        getFiles() {
            if (!this.exists) return null;
            return fs.readdirSync(this.real, { withFileTypes: true })
                .filter((entry) => !entry.name.startsWith("."))
                .map((entry) => {
                    const name = host.decomposes ? entry.name.normalize("NFD") : entry.name;
                    const uri = toNative(path.join(this.real, name)).split("%").join("%25");
                    return entry.isDirectory() ? new Folder(uri) : new File(uri);
                });
        }
        static selectDialog() { return host.chosenFolder ? new Folder(host.chosenFolder) : null; }
    }
    Object.defineProperties(Folder, {
        temp: { get: () => new Folder(host.folders.temp) },
        userData: { get: () => (host.folders.userData ? new Folder(host.folders.userData) : undefined) },
        myDocuments: { get: () => new Folder(host.folders.documents) },
    });
    return { File, Folder, toReal, toNative, drives };
}
