/** Masks named `garbage...` and `core...` as polygons per frame, written as JSON: source pixels, curves to a quarter pixel. */

var MASK_TOLERANCE = 0.25;
var MASK_KINDS = ["garbage", "core"];

/** What a mask's name makes it: `garbage`, `core`, or null. */
function matteKind(name) {
    var plain = trimmed(name).toLowerCase();
    for (var i = 0; i < MASK_KINDS.length; i += 1) {
        if (startsWith(plain, MASK_KINDS[i])) {
            return MASK_KINDS[i];
        }
    }
    return null;
}

function masksOf(layer) {
    var parade = layer.property("ADBE Mask Parade");
    var masks = [];
    for (var i = 1; parade && i <= parade.numProperties; i += 1) {
        masks.push(parade.property(i));
    }
    return masks;
}

/**
 * {texts: {garbage, core}, notes}: what `mattes` of a request may hold, as JSON; empty where no mask is named so.
 * `frames` is {first, last, timeOf}: `timeOf(number)` is the comp time of a frame number.
 */
function mattesOf(layer, frames) {
    var texts = {};
    var notes = [];
    var masks = masksOf(layer);
    for (var k = 0; k < MASK_KINDS.length; k += 1) {
        var named = [];
        for (var i = 0; i < masks.length; i += 1) {
            if (matteKind(masks[i].name) === MASK_KINDS[k] && usableMask(masks[i], notes)) {
                named.push(masks[i]);
            }
        }
        if (named.length > 0) {
            texts[MASK_KINDS[k]] = "{\"frames\":{" + polygonsByFrame(named, frames).join(",") + "}}";
        }
    }
    return { texts: texts, notes: notes };
}

function usableMask(mask, notes) {
    var shape = mask.property("ADBE Mask Shape").value;
    if (!shape.closed || shape.vertices.length < 2) {
        notes.push(filled(SAYS.theMaskIsNotClosedAnd, mask.name));
        return false;
    }
    var modes = [MaskMode.NONE, MaskMode.ADD, MaskMode.SUBTRACT];
    if (positionIn(modes, mask.maskMode) === -1) {
        notes.push(filled(SAYS.theMaskCountsAsAddMattes, mask.name));
    }
    return true;
}

/** `"number":[polygons]` for each frame; one that looks like the frame before it needs no entry. */
function polygonsByFrame(masks, frames) {
    var result = [];
    var before = "";
    var drawn = [];
    for (var i = 0; i < masks.length; i += 1) {
        drawn.push(drawing(masks[i], frames.timeOf(frames.first)));
    }
    var last = anyMoves(drawn) ? frames.last : frames.first;
    for (var number = frames.first; number <= last; number += 1) {
        var text = polygonsAt(drawn, frames.timeOf(number));
        if (text !== before) {
            result.push("\"" + number + "\":" + text);
            before = text;
        }
    }
    return result;
}

var MASK_PARTS = [
    ["points", "ADBE Mask Shape"], ["feather", "ADBE Mask Feather"],
    ["opacity", "ADBE Mask Opacity"], ["expansion", "ADBE Mask Offset"]
];

/** A mask with the texts of its parts: each of them is asked for once, and again only where it moves. */
function drawing(mask, time) {
    /** @type {any} */
    var result = { mask: mask, texts: {}, moving: [] };
    for (var i = 0; i < MASK_PARTS.length; i += 1) {
        var property = mask.property(MASK_PARTS[i][1]);
        result.texts[MASK_PARTS[i][0]] = partText(MASK_PARTS[i][0], property.valueAtTime(time, false));
        if (property.isTimeVarying) {
            result.moving.push({ name: MASK_PARTS[i][0], property: property, span: keySpan(property) });
        }
    }
    return result;
}

/** The comp times between which a property moves; an expression may move it at any. */
function keySpan(property) {
    var count = property.numKeys;
    if (count === 0 || (property.expression && property.expressionEnabled !== false)) {
        return { first: -Infinity, last: Infinity };
    }
    return { first: property.keyTime(1), last: property.keyTime(count) };
}

function anyMoves(drawn) {
    for (var i = 0; i < drawn.length; i += 1) {
        if (drawn[i].moving.length > 0) {
            return true;
        }
    }
    return false;
}

function polygonsAt(drawn, time) {
    var polygons = [];
    for (var i = 0; i < drawn.length; i += 1) {
        move(drawn[i], time);
        polygons.push(polygonText(drawn[i]));
    }
    return "[" + polygons.join(",") + "]";
}

function move(one, time) {
    for (var i = 0; i < one.moving.length; i += 1) {
        var part = one.moving[i];
        var at = limited(time, part.span.first, part.span.last);
        if (part.at !== at) {
            part.at = at;
            one.texts[part.name] = partText(part.name, part.property.valueAtTime(at, false));
        }
    }
}

function partText(name, value) {
    if (name === "points") {
        return pointsText(flattened(value));
    }
    if (name === "feather") {
        return String(limited((value[0] + value[1]) / 2, 0, 2000));
    }
    return String(name === "opacity" ? limited(value / 100, 0, 1) : limited(value, -2000, 2000));
}

function pointsText(points) {
    var parts = [];
    for (var i = 0; i < points.length; i += 1) {
        parts.push("[" + points[i][0] + "," + points[i][1] + "]");
    }
    return "[" + parts.join(",") + "]";
}

function polygonText(one) {
    return "{\"points\":" + one.texts.points
        + ",\"mode\":\"" + (one.mask.maskMode === MaskMode.SUBTRACT ? "subtract" : "add")
        + "\",\"inverted\":" + (one.mask.inverted ? "true" : "false")
        + ",\"feather\":" + one.texts.feather
        + ",\"expansion\":" + one.texts.expansion
        + ",\"opacity\":" + one.texts.opacity + "}";
}

function limited(value, low, high) {
    return Math.min(high, Math.max(low, value));
}

/** The corners of a closed bezier shape, no farther than MASK_TOLERANCE pixels from the curve. */
function flattened(shape) {
    var points = [];
    var count = shape.vertices.length;
    for (var i = 0; i < count; i += 1) {
        var next = (i + 1) % count;
        addCurve(
            points,
            shape.vertices[i],
            sumOf(shape.vertices[i], shape.outTangents[i]),
            sumOf(shape.vertices[next], shape.inTangents[next]),
            shape.vertices[next]
        );
    }
    while (points.length < 3) {
        points.push(points[points.length - 1]);
    }
    return points;
}

function sumOf(a, b) {
    return [a[0] + b[0], a[1] + b[1]];
}

/**
 * Adds the curve a-b-c-d without its end. A cubic cut into n even parts strays from its chords by at most
 * 3/4 of its largest second difference, divided by n squared.
 */
function addCurve(points, a, b, c, d) {
    var bend = Math.max(secondDifference(a, b, c), secondDifference(b, c, d));
    var parts = Math.max(1, Math.min(200, Math.ceil(Math.sqrt(0.75 * bend / MASK_TOLERANCE))));
    if (isOnChord(a, b, d) && isOnChord(a, c, d)) {
        parts = 1;
    }
    for (var i = 0; i < parts; i += 1) {
        var t = i / parts;
        points.push([cubicAt(a[0], b[0], c[0], d[0], t), cubicAt(a[1], b[1], c[1], d[1], t)]);
    }
}

/** Whether a handle lies on the straight line from `a` to `d`, between them. */
function isOnChord(a, handle, d) {
    var x = d[0] - a[0];
    var y = d[1] - a[1];
    var along = (handle[0] - a[0]) * x + (handle[1] - a[1]) * y;
    var aside = (handle[0] - a[0]) * y - (handle[1] - a[1]) * x;
    var square = x * x + y * y;
    return Math.abs(aside) <= 1e-6 * (square + 1) && along >= 0 && along <= square;
}

function secondDifference(a, b, c) {
    var x = a[0] - 2 * b[0] + c[0];
    var y = a[1] - 2 * b[1] + c[1];
    return Math.sqrt(x * x + y * y);
}

function cubicAt(a, b, c, d, t) {
    var u = 1 - t;
    var value = u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
    return Math.round(value * 100) / 100;
}
