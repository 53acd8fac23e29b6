/** Masks named `garbage...` and `core...` as polygons per frame: source pixels, curves flattened to a quarter pixel. */

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
 * {mattes: {garbage, core}, notes} for `POST /jobs`; empty where no mask is named so.
 * `frames` is {first, last, timeOf}: `timeOf(number)` is the comp time of a frame number.
 */
function mattesOf(layer, frames) {
    var mattes = {};
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
            mattes[MASK_KINDS[k]] = { frames: polygonsByFrame(named, frames) };
        }
    }
    return { mattes: mattes, notes: notes };
}

function usableMask(mask, notes) {
    var shape = mask.property("ADBE Mask Shape").value;
    if (!shape.closed || shape.vertices.length < 2) {
        notes.push(filled("The mask \u201c{0}\u201d is not closed and was left out.", mask.name));
        return false;
    }
    var modes = [MaskMode.NONE, MaskMode.ADD, MaskMode.SUBTRACT];
    if (positionIn(modes, mask.maskMode) === -1) {
        notes.push(filled("The mask \u201c{0}\u201d counts as Add: mattes know Add and Subtract only.", mask.name));
    }
    return true;
}

/** Frame number to polygons; a frame that looks like the one before it needs no entry. */
function polygonsByFrame(masks, frames) {
    var result = {};
    var before = "";
    var last = anyMoves(masks) ? frames.last : frames.first;
    for (var number = frames.first; number <= last; number += 1) {
        var polygons = [];
        for (var i = 0; i < masks.length; i += 1) {
            polygons.push(polygonOf(masks[i], frames.timeOf(number)));
        }
        var text = jsonStringify(polygons);
        if (text !== before) {
            result[String(number)] = polygons;
            before = text;
        }
    }
    return result;
}

function anyMoves(masks) {
    var names = ["ADBE Mask Shape", "ADBE Mask Feather", "ADBE Mask Opacity", "ADBE Mask Offset"];
    for (var i = 0; i < masks.length; i += 1) {
        for (var k = 0; k < names.length; k += 1) {
            if (masks[i].property(names[k]).isTimeVarying) {
                return true;
            }
        }
    }
    return false;
}

function polygonOf(mask, time) {
    var feather = mask.property("ADBE Mask Feather").valueAtTime(time, false);
    return {
        points: flattened(mask.property("ADBE Mask Shape").valueAtTime(time, false)),
        mode: mask.maskMode === MaskMode.SUBTRACT ? "subtract" : "add",
        inverted: mask.inverted,
        feather: limited((feather[0] + feather[1]) / 2, 0, 2000),
        expansion: limited(mask.property("ADBE Mask Offset").valueAtTime(time, false), -2000, 2000),
        opacity: limited(mask.property("ADBE Mask Opacity").valueAtTime(time, false) / 100, 0, 1)
    };
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
    return Math.round(value * 1000) / 1000;
}
