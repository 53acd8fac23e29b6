/** Edit > Undo: groups as After Effects has them, kept as pictures of the whole project before each step. */

const isHost = (value) => value !== null && typeof value === "object" && Boolean(value.constructor?.hostKind);
const FILES = ["File", "Folder"]; // of the disk: Undo does not touch them

function copied(value, found) {
    if (Array.isArray(value)) return Array.from(value, (each) => copied(each, found));
    if (isHost(value)) {
        found.push(value);
        return value;
    }
    if (value && Object.getPrototypeOf(value) === Object.prototype) {
        return Object.fromEntries(Array.from(Object.entries(value)).map(([key, each]) => [key, copied(each, found)]));
    }
    return value;
}

/** Every object of the project with its own fields, by object. */
function pictureOf(roots) {
    const picture = new Map();
    const open = [...roots];
    while (open.length) {
        const object = open.pop();
        if (picture.has(object) || FILES.includes(object.constructor.hostKind)) continue;
        const fields = {};
        picture.set(object, fields);
        for (const [key, value] of Object.entries(object)) fields[key] = copied(value, open);
    }
    return picture;
}

function putBack(picture) {
    for (const [object, fields] of picture) {
        for (const key of Object.keys(object)) if (!(key in fields)) delete object[key];
        for (const [key, value] of Object.entries(fields)) object[key] = copied(value, []);
    }
}

export class History {
    constructor(roots) {
        Object.assign(this, { roots, depth: 0, groups: [], steps: [], undone: [], open: null, revision: 1 });
    }

    begin(name) {
        this.groups.push(name);
        if (this.depth === 0) this.open = { name, before: pictureOf(this.roots()) };
        this.depth += 1;
    }

    end() {
        if (this.depth === 0) throw new Error("After Effects error: undo group mismatch.");
        this.depth -= 1;
        if (this.depth === 0) this.#push(this.open);
    }

    /** An edit outside of any group is a step of its own. */
    loose(name) { this.#push({ name, before: pictureOf(this.roots()) }); }

    #push(step) {
        this.steps.push(step);
        this.undone = [];
        this.revision += 1;
    }

    undo() {
        this.revision += 1;
        const step = this.steps.pop();
        if (!step) throw new Error("There is nothing to undo.");
        this.undone.push({ name: step.name, before: pictureOf(this.roots()) });
        putBack(step.before);
        return step.name;
    }

    redo() {
        this.revision += 1;
        const step = this.undone.pop();
        if (!step) throw new Error("There is nothing to redo.");
        this.steps.push({ name: step.name, before: pictureOf(this.roots()) });
        putBack(step.before);
        return step.name;
    }
}
