/** The border between panel and simulated host: every call, construction and assignment is counted and can throw. */

const RAW = Symbol("raw");

// What lands in the undo history of the project.
const EDIT = /^((Comp|Footage|Folder|RenderQueue)Item|AVLayer|FileSource|Project|\w*Property\w*)\.(\w+=|remove|removeKey|set\w+|replace\w*|duplicate|copyToComp|moveBefore|importFile)$|Collection\.add/;

export const isEdit = (name) => EDIT.test(name);

export class Border {
    constructor() {
        this.count = 0;
        this.failAt = 0; // the number of the host call that throws; 0: none
        this.names = [];
        this.proxies = new WeakMap();
        this.toRealm = (list) => list;
        this.onStep = () => undefined;
    }

    /** One host call happens. */
    step(name) {
        this.count += 1;
        this.names.push(name);
        if (this.count === this.failAt) {
            throw new Error(`After Effects error: ${name} failed (injected).`);
        }
        this.onStep(name);
    }

    /** What the panel gets to see of a value of the host. */
    out(value) {
        if (Array.isArray(value)) return this.toRealm(Array.from(value, (each) => this.out(each)));
        if (value === null || typeof value !== "object" || value[RAW] || !value.constructor?.hostKind) return value;
        if (!this.proxies.has(value)) this.proxies.set(value, this.wrapped(value));
        return this.proxies.get(value);
    }

    in(value) {
        return value !== null && typeof value === "object" && value[RAW] ? value[RAW] : value;
    }

    wrapped(raw) {
        const kind = raw.constructor.hostKind;
        const methods = new Map();
        return new Proxy(raw, {
            get: (target, key) => {
                if (key === RAW) return target;
                if (target.isDead) throw new Error(`After Effects error: this ${kind} object is invalid.`);
                const value = target[key];
                if (typeof value !== "function" || typeof key === "symbol" || key.startsWith("on") || key === "constructor") {
                    return this.out(value);
                }
                if (!methods.has(key)) methods.set(key, this.method(target, `${kind}.${key}`, key));
                return methods.get(key);
            },
            set: (target, key, value) => {
                if (target.isDead) throw new Error(`After Effects error: this ${kind} object is invalid.`);
                this.step(`${kind}.${String(key)}=`);
                if (!(key in target) && !target.constructor.isOpen) {
                    throw new Error(`After Effects error: ${kind} has no property ${String(key)}.`);
                }
                target[key] = this.in(value);
                return true;
            },
        });
    }

    method(target, name, key) {
        return (...given) => {
            if (target.isDead) throw new Error(`After Effects error: ${name}: the object is invalid.`);
            this.step(name);
            return this.out(target[key](...given.map((each) => this.in(each))));
        };
    }

    /** A class as the panel may construct it and ask `instanceof`. */
    constructible(Class) {
        return new Proxy(Class, {
            construct: (target, given) => {
                this.step(`new ${target.hostKind}`);
                return this.out(new target(...Array.from(given, (each) => this.in(each))));
            },
            get: (target, key) => {
                const value = target[key];
                if (key === "prototype") return value;
                if (typeof value !== "function" || key === Symbol.hasInstance) return this.out(value);
                return (...given) => {
                    this.step(`${target.hostKind}.${String(key)}`);
                    return this.out(value.apply(target, given.map((each) => this.in(each))));
                };
            },
            apply: (target, _self, given) => this.out(new target(...Array.from(given, (each) => this.in(each)))),
        });
    }
}
