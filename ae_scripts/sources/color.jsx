/** What the project's color settings will do to a keyed picture. Reads them; changes one only on the artist's click. */

// As many files as a request may name for their encoding.
var MOST_ALIKE = 8;

/**
 * Sentences about this project, each {text, label, fix}; `fix` is null where only the artist can help.
 * The keyed files are scene-linear Rec.709, 32-bit float.
 */
function colorReport(project) {
    var report = [];
    if (project.bitsPerChannel !== 32) {
        report.push({
            text: filled(
                SAYS.thisProjectHasBitsPerChannel,
                project.bitsPerChannel
            ),
            label: SAYS.setBitsPerChannel,
            fix: setFloatDepth
        });
    }
    if (usesOcio(project)) {
        report.push({
            text: SAYS.thisProjectIsManagedByOpencolorio,
            label: "",
            fix: null
        });
    }
    return report;
}

/** The output that is sent: {output, notes}. An alpha has no color to clip or darken, so it suits any depth. */
function wantedOutput() {
    var chosen = setting("output");
    if (chosen !== "suits") {
        return { output: chosen, notes: [] };
    }
    var bits = app.project.bitsPerChannel;
    return bits === 32
        ? { output: "foreground", notes: [] }
        : { output: "matte", notes: [filled(SAYS.withBitsTheAlphaComesBack, bits)] };
}

function setFloatDepth() {
    app.project.bitsPerChannel = 32;
}

/** Feature-detected: the property came with After Effects 24 and is not documented. */
function usesOcio(project) {
    return attempt(function () { return project.colorManagementSystem === 1; }, false);
}

/**
 * The encoding of what the render queue writes of a layer in this project, {encoding, alike, note}; `ending` is its
 * files'. With a working space it is that space's; without one, numbers pass through unchanged and mean what they mean in
 * the layer's own files, `alike`: the same pixels are told the same encoding whether the file is sent or rendered.
 */
function renderEncoding(project, ending, layer) {
    if (ending === ".exr") {
        return { encoding: "linear", alike: [], note: "" };
    }
    var space = usesOcio(project) ? "OpenColorIO" : String(project.workingSpace || "");
    if (space === "" || space === "None") {
        return passedThrough(layer);
    }
    var known = [
        ["sRGB", "srgb"], ["709", "rec709"], ["P3", "display-p3"], ["2020", "rec2020"], ["Adobe RGB", "adobe-rgb"]
    ];
    for (var i = 0; i < known.length; i += 1) {
        if (space.indexOf(known[i][0]) !== -1) {
            return { encoding: known[i][1], alike: [], note: "" };
        }
    }
    if (usesOcio(project)) {
        return { encoding: "srgb", alike: [], note: SAYS.theProjectIsManagedByOpencolorio };
    }
    return {
        encoding: "srgb",
        alike: [],
        note: filled(SAYS.theWorkingSpaceHasNoName, space)
    };
}

/** What the numbers of a layer's files mean where nothing converts them. */
function passedThrough(layer) {
    var files = filesUnder(layer.source);
    var found = [];
    var silent = [];
    for (var i = 0; i < files.length; i += 1) {
        var told = toldEncoding(files[i].fsName);
        if (told === "auto") {
            silent = silent.length < MOST_ALIKE ? withOne(silent, files[i].fsName) : silent;
        } else {
            found = withOne(found, told);
        }
    }
    if (found.length === 0) {
        // Their own tags say it, and those the service reads.
        return { encoding: silent.length > 0 ? "auto" : "srgb", alike: silent, note: "" };
    }
    return {
        encoding: found[0],
        alike: [],
        note: found.length + silent.length === 1 ? "" : filled(
            SAYS.mixesFootageOfSeveralEncodingsAnd,
            layer.name, found[0]
        )
    };
}

/** The list with `value` in it, once. */
function withOne(list, value) {
    return positionIn(list, value) === -1 ? list.concat([value]) : list;
}

/** A display color (0xRRGGBB) as linear Rec.709 triple, by the curve of IEC 61966-2-1. */
function linearColor(packed) {
    return [linearValue((packed >> 16) & 255), linearValue((packed >> 8) & 255), linearValue(packed & 255)];
}

function linearValue(part) {
    return Math.round(linearPart(part / 255) * 1e6) / 1e6;
}

function linearPart(value) {
    return value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
}
