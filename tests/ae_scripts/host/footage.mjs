/** Footage items: what importing a file makes of it, and how its alpha and rate may be set. */
import fs from "node:fs";
import path from "node:path";

export const AlphaMode = { IGNORE: 5412, STRAIGHT: 5413, PREMULTIPLIED: 5414 };
export const FieldSeparationType = { OFF: 5612, UPPER_FIELD_FIRST: 5613, LOWER_FIELD_FIRST: 5614 };
export const PulldownPhase = { OFF: 5812, WSSWW: 5813 };

/** Size and channels from the header of an EXR or PNG file. */
export function readHeader(file) {
    const data = fs.readFileSync(file);
    if (data.length > 8 && data.readUInt32LE(0) === 20000630) return exrHeader(data);
    if (data.length > 25 && data.readUInt32BE(0) === 0x89504e47) {
        return { width: data.readUInt32BE(16), height: data.readUInt32BE(20), alpha: [4, 6].includes(data[25]) };
    }
    return { width: 0, height: 0, alpha: false };
}

function exrHeader(data) {
    const header = { width: 0, height: 0, alpha: false };
    let at = 8;
    const text = () => {
        const end = data.indexOf(0, at);
        const read = data.toString("latin1", at, end);
        at = end + 1;
        return read;
    };
    for (let name = text(); name !== ""; name = text()) {
        const type = text();
        const size = data.readInt32LE(at);
        at += 4;
        if (name === "displayWindow") {
            header.width = data.readInt32LE(at + 8) - data.readInt32LE(at) + 1;
            header.height = data.readInt32LE(at + 12) - data.readInt32LE(at + 4) + 1;
        }
        if (type === "chlist") header.alpha = /(^|\0)A\0/.test(data.toString("latin1", at, at + size));
        at += size;
    }
    return header;
}

export class FileSource {
    static hostKind = "FileSource";
    constructor(file, look) {
        Object.assign(this, { file, isStill: look.isStill, hasAlpha: look.alpha, nativeFrameRate: look.fps, loop: 1 });
        // A guess that is wrong, so that whoever relies on it is found out.
        this.mode = AlphaMode.STRAIGHT;
        this.color = [1, 1, 1];
        this.inverted = false;
        this.rate = 0;
        this.fieldSeparationType = FieldSeparationType.OFF;
        this.removePulldown = PulldownPhase.OFF;
    }
    #needAlpha() { if (!this.hasAlpha) throw new Error("After Effects error: the footage has no alpha channel."); }
    get alphaMode() { return this.mode; }
    set alphaMode(value) { this.#needAlpha(); this.mode = value; }
    get premulColor() { return this.color; }
    set premulColor(value) { this.#needAlpha(); this.color = Array.from(value); }
    get invertAlpha() { return this.inverted; }
    set invertAlpha(value) { this.#needAlpha(); this.inverted = value; }
    get conformFrameRate() { return this.rate; }
    set conformFrameRate(value) {
        if (this.isStill) throw new Error("After Effects error: a still has no frame rate.");
        if (!(value >= 0 && value <= 99)) throw new Error("After Effects error: frame rate out of range.");
        this.rate = value;
    }
    get displayFrameRate() { return this.rate || this.nativeFrameRate; }
}

export class SolidSource {
    static hostKind = "SolidSource";
    isStill = true;
}

export function makeFootage(host, Item) {
    class FootageItem extends Item {
        static hostKind = "FootageItem";
        constructor() {
            super();
            Object.assign(this, { footageMissing: false, useProxy: false, mainSource: null, width: 0, height: 0, pixelAspect: 1, frames: 1 });
        }
        get file() { return this.mainSource.file; }
        get frameRate() { return this.mainSource.isStill ? 0 : this.mainSource.displayFrameRate; }
        get duration() { return this.mainSource.isStill ? 0 : this.frames / this.frameRate; }
        get hasVideo() { return true; }
        replaceWithSequence(file) { this.read(file, true); }
        replace(file) { this.read(file, false); }
        replaceWithSolid() { throw new Error("not part of this host"); }
        /** Takes a file or the sequence that it belongs to; all interpretation is guessed anew. */
        read(file, sequence) {
            if (!file.exists) throw new Error(`After Effects error: ${file.fsName} is not there.`);
            const movie = host.movies.get(file.fsName);
            const files = sequence ? sequenceOf(file) : [file];
            const header = movie ?? readHeader(file.real);
            const isStill = !movie && files.length === 1;
            this.frames = movie ? movie.frames : files.length;
            this.pixelAspect = movie?.pixelAspect ?? 1; // of the file, or guessed: never the artist's own
            this.hasAudio = Boolean(movie?.audio);
            this.width = header.width;
            this.height = header.height;
            this.mainSource = new FileSource(file, { isStill, alpha: header.alpha, fps: movie ? movie.fps : isStill ? 0 : host.sequenceRate });
            if (!this.name) this.name = file.fsName.split(/[\\/]/).pop();
        }
    }

    /** Files of the same stem; a gap is shown as bars, after a warning. */
    function sequenceOf(file) {
        const folder = path.dirname(file.real);
        const found = /^(.*?)(\d{1,9})(\.[^.]*)$/.exec(path.basename(file.real));
        if (!found) return [file];
        const numbers = fs.readdirSync(folder)
            .map((name) => /^(.*?)(\d{1,9})(\.[^.]*)$/.exec(name))
            .filter((each) => each && each[1] === found[1] && each[3] === found[3])
            .map((each) => Number(each[2])).sort((a, b) => a - b);
        if (numbers.at(-1) - numbers[0] + 1 !== numbers.length) host.warnings.push(`missing frames in ${folder}`);
        return Array.from({ length: numbers.at(-1) - numbers[0] + 1 });
    }
    return FootageItem;
}
