/** Results as the service leaves them: reads the manifest, and refuses what is not complete. */

/** {manifest, folder} of a finished job; throws a problem where the result cannot be trusted. */
function readResult(manifestPath) {
    var text = readText(fileAt(manifestPath));
    if (text === null) {
        throw problem(
            "no-manifest",
            filled(SAYS.theResultsManifestIsNotThere, manifestPath),
            SAYS.checkThatThisMachineSeesThe
        );
    }
    var manifest = attempt(function () { return jsonParse(text); }, null);
    if (manifest === null || own(manifest, "schema_version", 0) !== 1) {
        throw problem("bad-manifest", SAYS.theResultsManifestIsDamagedOr, SAYS.keyTheShotAgain);
    }
    if (manifest.state !== "done") {
        throw problem(
            "incomplete",
            filled(SAYS.theResultIsNotComplete, manifest.state),
            SAYS.waitUntilItIsDoneOr
        );
    }
    return { manifest: manifest, folder: parentPath(manifestPath) };
}

/** The pass called `name` with its files checked: {name, folder, file, first, last, count, holes}. Throws a problem. */
function checkedPass(result, name) {
    var pass = passNamed(result.manifest, name);
    var folderPath = resolvedPath(result.folder, pass.folder);
    var sizes = fileSizes(folderPath, pass.pattern);
    var frames = result.manifest.frames;
    var holes = [];
    /** @type {any} */
    var first = null;
    var last = 0;
    var present = 0;
    for (var i = 0; i < frames.length; i += 1) {
        var size = own(sizes.bytes, bareName(frameName(pass.pattern, frames[i].frame)), -1);
        if (frames[i].state === "failed" && result.manifest.accepted) {
            holes.push(frames[i].frame);
        } else if (frames[i].state !== "done" || size <= 0) {
            throw problem(
                "incomplete",
                filled(SAYS.frameOfTheIs, frames[i].frame, name, size === 0 ? SAYS.empty : SAYS.missing),
                SAYS.retryTheJobFinishedFramesAre
            );
        } else {
            present += 1;
            first = first === null ? frames[i].frame : first;
            last = frames[i].frame;
        }
    }
    if (first === null || sizes.count !== present) {
        throw problem(
            "wrong-count",
            filled(SAYS.theFolderHoldsFramesTheManifest, name, sizes.count, present),
            filled(SAYS.moveOtherFilesOutOf, folderPath)
        );
    }
    return {
        name: name,
        folder: folderPath,
        // As the disk spells it, which may be otherwise than the manifest does.
        file: sizes.paths[bareName(frameName(pass.pattern, first))],
        first: first,
        last: last,
        count: last - first + 1,
        holes: holes.concat(unlisted(frames))
    };
}

/** Frames between the first and the last that the manifest does not name: the plate lacks them. */
function unlisted(frames) {
    var missing = [];
    for (var i = 1; i < frames.length; i += 1) {
        for (var number = frames[i - 1].frame + 1; number < frames[i].frame; number += 1) {
            missing.push(number);
        }
    }
    return missing;
}

function passNamed(manifest, name) {
    var passes = own(manifest, "passes", []);
    for (var i = 0; i < passes.length; i += 1) {
        if (passes[i].name === name) {
            return passes[i];
        }
    }
    throw problem("no-pass", filled(SAYS.theResultHasNo, name), SAYS.keyTheShotAgain);
}

/** Size in bytes and path of every file that fits the pattern, by bare name. */
function fileSizes(folderPath, pattern) {
    var start = bareName(pattern.substring(0, firstMark(pattern)));
    var end = bareName(pattern.substring(pattern.lastIndexOf("#") + 1));
    var result = { bytes: {}, paths: {}, count: 0 };
    /** @type {any} */
    var files = folderAt(folderPath).getFiles();
    for (var i = 0; files && i < files.length; i += 1) {
        var name = bareName(lastName(files[i].fsName));
        if (startsWith(name, start) && endsWith(name, end)) {
            result.bytes[name] = files[i].length;
            result.paths[name] = files[i].fsName;
            result.count += 1;
        }
    }
    return result;
}

/** How the foreground's color relates to its alpha: {association, note}; what is not said counts as premultiplied. */
function associationOf(manifest) {
    var said = own(manifest, "association", null);
    var asked = own(own(manifest, "settings", {}), "association", said);
    if (said !== asked || (said !== "straight" && said !== "premultiplied")) {
        return {
            association: "premultiplied",
            note: SAYS.theManifestDoesNotSayClearly
        };
    }
    return { association: said, note: "" };
}
