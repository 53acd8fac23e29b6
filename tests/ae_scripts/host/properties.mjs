/** Properties of layers: groups, keyframes, masks and effects, in comp time. */

export const MaskMode = { NONE: 6812, ADD: 6813, SUBTRACT: 6814, INTERSECT: 6815, LIGHTEN: 6816, DARKEN: 6817, DIFFERENCE: 6818 };

const clone = (value) => (value && typeof value === "object" ? structuredClone(value) : value);

function between(a, b, part) {
    if (typeof a === "number") return a + (b - a) * part;
    if (Array.isArray(a)) return a.map((each, i) => between(each, b[i], part));
    if (a && typeof a === "object") {
        return Object.fromEntries(Object.entries(a).map(([key, each]) => [key, between(each, b[key], part)]));
    }
    return a;
}

export class Property {
    static hostKind = "Property";
    constructor(matchName, value, layer) {
        this.matchName = matchName;
        this.name = matchName;
        this.plain = value;
        this.keys = [];
        this.expression = "";
        this.expressionError = "";
        this.dimensionsSeparated = false;
        this.layer = layer;
    }
    get numKeys() { return this.keys.length; }
    get isTimeVarying() { return this.keys.length > 1; }
    get value() {
        if (this.expression && this.matchName === "ADBE Color Control-0001") return clone(evaluated(this));
        return clone(this.keys.length ? this.valueAtTime(this.layer.comp.time, false) : this.plain);
    }
    valueAtTime(time) {
        if (!this.keys.length) return clone(this.plain);
        const sorted = this.keys;
        if (time <= sorted[0].time) return clone(sorted[0].value);
        for (let i = 1; i < sorted.length; i += 1) {
            if (time <= sorted[i].time) {
                return between(sorted[i - 1].value, sorted[i].value, (time - sorted[i - 1].time) / (sorted[i].time - sorted[i - 1].time));
            }
        }
        return clone(sorted.at(-1).value);
    }
    keyTime(index) { return this.keys[index - 1].time; }
    keyValue(index) { return clone(this.keys[index - 1].value); }
    setValue(value) {
        this.layer.needUnlocked?.();
        if (this.keys.length) throw new Error("After Effects error: Cannot call setValue, the property has keyframes.");
        this.plain = clone(value);
    }
    setValueAtTime(time, value) {
        this.keys = [...this.keys.filter((key) => key.time !== time), { time, value: clone(value) }].sort((a, b) => a.time - b.time);
    }
    removeKey(index) { this.keys.splice(index - 1, 1); }
    copyFor(layer) {
        const copy = new Property(this.matchName, clone(this.plain), layer);
        Object.assign(copy, { keys: structuredClone(this.keys), expression: this.expression, dimensionsSeparated: this.dimensionsSeparated });
        return copy;
    }
    shift(by) { this.keys.forEach((key) => { key.time += by; }); }
}

export class Group {
    static hostKind = "PropertyGroup";
    constructor(matchName, children = []) {
        this.matchName = matchName;
        this.name = matchName;
        this.children = children;
    }
    get numProperties() { return this.children.length; }
    property(which) {
        if (typeof which === "number") return this.children[which - 1] ?? null;
        return this.children.find((child) => child.matchName === which || child.name === which) ?? null;
    }
    copyFor(layer) {
        const copy = new this.constructor(this.matchName, this.children.map((child) => child.copyFor(layer)));
        for (const key of ["name", "mode", "inverted", "enabled", "layer", "expression"]) if (key in this) copy[key] = this[key];
        return copy;
    }
    shift(by) { this.children.forEach((child) => child.shift(by)); }
}

export class Mask extends Group {
    static hostKind = "MaskPropertyGroup";
    mode = MaskMode.ADD;
    inverted = false;
    get maskMode() { return this.mode; }
    set maskMode(value) { this.mode = value; }
}

export class Effect extends Group {
    static hostKind = "EffectPropertyGroup";
    enabled = true;
    remove() {
        this.owner.children.splice(this.owner.children.indexOf(this), 1);
        this.isDead = true;
    }
}

/** The value that an expression gives: the few that the panel writes. */
function evaluated(property) {
    const { host } = property.layer.comp;
    const sampled = /^sampleImage\(effect\("([^"]+)"\)\(1\), \[(\d+), (\d+)\], false, time\)$/.exec(property.expression);
    const point = sampled && property.layer.property("ADBE Effect Parade").property(sampled[1]);
    if (point) return host.pixelAt(point.property(1).value);
    property.expressionError = "After Effects warning: the expression cannot be read.";
    return property.plain;
}

/** The effects of a layer, to which controls can be added. */
export class EffectParade extends Group {
    static hostKind = "PropertyGroup";
    addProperty(matchName) {
        const value = { "ADBE Point Control": [0, 0], "ADBE Color Control": [1, 0, 0, 1] }[matchName];
        if (!value) throw new Error(`After Effects error: there is no effect ${matchName}.`);
        const effect = new Effect(matchName, [new Property(`${matchName}-0001`, value, this.layer)]);
        effect.owner = this;
        this.children.push(effect);
        return effect;
    }
}

export class Styles extends Group {
    static hostKind = "PropertyGroup";
    enabled = true;
}

export function transformGroup(layer, width, height) {
    return new Group("ADBE Transform Group", [
        new Property("ADBE Anchor Point", [width / 2, height / 2], layer),
        new Property("ADBE Position", [layer.comp.width / 2, layer.comp.height / 2], layer),
        new Property("ADBE Scale", [100, 100], layer),
        new Property("ADBE Rotate Z", 0, layer),
        new Property("ADBE Opacity", 100, layer),
    ]);
}

export function makeMask(layer, name, shape, more = {}) {
    const mask = new Mask("ADBE Mask Atom", [
        new Property("ADBE Mask Shape", shape, layer),
        new Property("ADBE Mask Feather", more.feather ?? [0, 0], layer),
        new Property("ADBE Mask Opacity", more.opacity ?? 100, layer),
        new Property("ADBE Mask Offset", more.expansion ?? 0, layer),
    ]);
    mask.name = name;
    mask.mode = more.mode ?? MaskMode.ADD;
    mask.inverted = more.inverted ?? false;
    return mask;
}
