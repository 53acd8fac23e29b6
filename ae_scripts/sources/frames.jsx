/** Frame arithmetic, pure: comp time, layer time, source frames, frame numbers and rates. */

var FRAME_SLACK = 0.0001;

/** The source frame (from 0) that a layer shows at comp time `time`; `timing` is {startTime, stretch, fps}. */
function sourceFrameAt(time, timing) {
    return Math.floor((time - timing.startTime) * (100 / timing.stretch) * timing.fps + FRAME_SLACK);
}

/** The comp time at which source frame `index` begins. */
function timeOfSourceFrame(index, timing) {
    return timing.startTime + (index / timing.fps) * (timing.stretch / 100);
}

/**
 * First and last source frame that a span of comp time needs, with handles, cut to what the source has.
 * `span` is {start, end, frameDuration}: the end is exclusive. Null when it shows nothing of the source.
 */
function framesOfSpan(span, timing, count, handles) {
    var a = sourceFrameAt(span.start, timing);
    var b = sourceFrameAt(span.end - span.frameDuration, timing);
    var low = Math.min(a, b);
    var high = Math.max(a, b);
    if (high < 0 || low > count - 1) {
        return null;
    }
    return { first: Math.max(0, low - handles), last: Math.min(count - 1, high + handles) };
}

/** The overlap of two spans, or null. */
function overlapOf(one, other) {
    var start = Math.max(one.start, other.start);
    var end = Math.min(one.end, other.end);
    return end - start > FRAME_SLACK ? { start: start, end: end, frameDuration: one.frameDuration } : null;
}

/** A rate as the service reads it: `24000/1001`, `25` or three decimals. */
function rateText(fps) {
    var whole = Math.round(fps);
    if (Math.abs(fps - whole) < 0.0005) {
        return String(whole);
    }
    var base = Math.round(fps * 1.001);
    if (Math.abs(fps - base * 1000 / 1001) < 0.005) {
        return base * 1000 + "/1001";
    }
    return fps.toFixed(3);
}

/** The number behind a rate such as `24000/1001`; NaN when there is none. */
function rateNumber(text) {
    if (!isText(text)) {
        return NaN;
    }
    var parts = text.split("/");
    return parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(text);
}

/** Frame numbers as the service writes ranges. */
function rangeText(first, last) {
    return first === last ? String(first) : first + "-" + last;
}

/** Frame numbers as people read them: `1001-1004, 1007`. */
function spansText(numbers) {
    var sorted = numbers.slice(0).sort(function (a, b) { return a - b; });
    var parts = [];
    var first = sorted[0];
    for (var i = 0; i < sorted.length; i += 1) {
        if (i + 1 === sorted.length || sorted[i + 1] !== sorted[i] + 1) {
            parts.push(rangeText(first, sorted[i]));
            first = sorted[i + 1];
        }
    }
    return parts.join(", ");
}

/** {stem, digits, number, ending} of a numbered file name; null when no number ends its stem. */
function numberedName(name) {
    var dot = name.lastIndexOf(".");
    var stem = dot > 0 ? name.substring(0, dot) : name;
    var found = /[0-9]{1,9}$/.exec(stem);
    if (!found) {
        return null;
    }
    return {
        stem: stem.substring(0, stem.length - found[0].length),
        digits: found[0].length,
        number: parseInt(found[0], 10),
        ending: dot > 0 ? name.substring(dot) : ""
    };
}

/** The pattern of a numbered name: `shot.####.exr`. */
function patternOf(like) {
    var marks = "";
    while (marks.length < like.digits) {
        marks += "#";
    }
    return like.stem + marks + like.ending;
}

/** Whether `name` is a file of the sequence that `like` began; returns its number, else null. */
function numberIn(name, like) {
    var bare = bareName(name);
    var stem = bareName(like.stem);
    if (!startsWith(bare, stem) || !endsWith(bare, like.ending)) {
        return null;
    }
    var digits = bare.substring(stem.length, bare.length - like.ending.length);
    if (!/^[0-9]{1,9}$/.test(digits)) {
        return null;
    }
    var longer = digits.length > like.digits && digits.charAt(0) !== "0";
    return digits.length === like.digits || longer ? parseInt(digits, 10) : null;
}

/** The name of one frame in a pattern such as `shot_foreground.####.exr`. */
function frameName(pattern, number) {
    var end = pattern.lastIndexOf("#") + 1;
    if (end === 0) {
        return pattern;
    }
    var start = firstMark(pattern);
    return pattern.substring(0, start) + padded(number, end - start) + pattern.substring(end);
}

/** Where the last run of `#` in a pattern begins. */
function firstMark(pattern) {
    var at = pattern.lastIndexOf("#");
    while (at > 0 && pattern.charAt(at - 1) === "#") {
        at -= 1;
    }
    return Math.max(0, at);
}

/** Seconds as people read them. */
function durationText(seconds) {
    if (seconds < 60) {
        return Math.ceil(seconds) + " s";
    }
    var minutes = Math.ceil(seconds / 60);
    return minutes < 60 ? minutes + " min" : Math.floor(minutes / 60) + " h " + padTwo(minutes % 60) + " min";
}
