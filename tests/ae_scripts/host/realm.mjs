/** A JavaScript realm with what ES3 has and nothing younger, in which the bundled panel runs. */
import vm from "node:vm";

const KEPT = {
    Object: ["length", "name", "prototype"],
    Array: ["length", "name", "prototype"],
    String: ["length", "name", "prototype", "fromCharCode"],
    Function: ["length", "name", "prototype"],
    Number: ["length", "name", "prototype", "MAX_VALUE", "MIN_VALUE", "NaN", "NEGATIVE_INFINITY", "POSITIVE_INFINITY"],
};
const KEPT_METHODS = {
    Object: ["constructor", "toString", "toLocaleString", "valueOf", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "__proto__"],
    Array: ["constructor", "length", "toString", "toLocaleString", "concat", "join", "pop", "push", "reverse", "shift", "slice", "sort", "splice", "unshift"],
    String: ["constructor", "length", "toString", "valueOf", "charAt", "charCodeAt", "concat", "indexOf", "lastIndexOf", "localeCompare", "match", "replace", "search", "slice", "split", "substr", "substring", "toLowerCase", "toLocaleLowerCase", "toUpperCase", "toLocaleUpperCase"],
    Function: ["constructor", "length", "name", "prototype", "toString", "apply", "call"],
    Number: ["constructor", "toString", "toLocaleString", "valueOf", "toFixed", "toExponential", "toPrecision"],
};
const KEPT_GLOBALS = [
    "Object", "Array", "String", "Function", "Number", "Boolean", "Math", "RegExp", "Date", "Error", "TypeError", "RangeError",
    "SyntaxError", "ReferenceError", "EvalError", "URIError", "NaN", "Infinity", "undefined", "parseInt", "parseFloat", "isNaN",
    "isFinite", "encodeURI", "encodeURIComponent", "decodeURI", "decodeURIComponent", "escape", "unescape", "eval", "globalThis",
];
const KEPT_MATH = ["E", "LN10", "LN2", "LOG10E", "LOG2E", "PI", "SQRT1_2", "SQRT2", "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "exp", "floor", "log", "max", "min", "pow", "random", "round", "sin", "sqrt", "tan"];

const STRIP = `(function (kept, methods, globals, math) {
    var keys = Reflect.ownKeys, global = globalThis, name, i, own;
    function strip(object, list) {
        own = keys(object);
        for (i = 0; i < own.length; i += 1) {
            // V8 itself needs the symbols of RegExp and of iteration.
            if (typeof own[i] === "string" && list.indexOf(own[i]) === -1) delete object[own[i]];
        }
    }
    var names = keys(global);
    var arrayIndex = Array.prototype.indexOf;
    strip(Math, math);
    for (name in methods) { strip(global[name].prototype, methods[name]); }
    for (name in kept) { strip(global[name], kept[name]); }
    for (i = 0; i < names.length; i += 1) {
        if (typeof names[i] === "string" && arrayIndex.call(globals, names[i]) === -1) delete global[names[i]];
    }
    delete global.globalThis;
})`;

/** Returns a stripped context; `clock` is {now(): milliseconds}. */
export function makeRealm(clock) {
    const context = vm.createContext({});
    const lists = [KEPT, KEPT_METHODS, KEPT_GLOBALS, KEPT_MATH];
    vm.runInContext(STRIP, context)(...lists.map((each) => structuredClone(each)));
    class HostDate extends Date {
        constructor(...given) {
            super(...(given.length ? given : [clock.now()]));
        }
    }
    for (const name of ["now", "UTC", "parse"]) HostDate[name] = undefined;
    for (const name of ["toISOString", "toJSON"]) HostDate.prototype[name] = undefined;
    context.Date = HostDate;
    return context;
}

/** Copies a list into the realm, so that it has the realm's methods only. */
export function realmList(context, values) {
    const list = vm.runInContext("[]", context);
    for (const value of values) list[list.length] = value;
    return list;
}

const compiled = new Map(); // the bundle runs in a thousand realms, and need be parsed only once

export function runIn(context, code, name) {
    if (code.length < 10000) return vm.runInContext(code, context, { filename: name });
    if (!compiled.has(code)) compiled.set(code, new vm.Script(code, { filename: name }));
    return compiled.get(code).runInContext(context);
}
