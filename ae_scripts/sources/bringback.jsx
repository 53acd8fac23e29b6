/** A finished job comes back: checked, imported, placed, in one undo step; or nothing changes at all. */

/** Brings a job's result into its comp, or into the project where its layer is gone. Returns sentences to show. */
function bringBack(job) {
    // What another project holds is not seen from here.
    var target = findTarget(job);
    if (job.state === "imported" && (target.comp === null || isPlaced(job))) {
        return [SAYS.theKeyIsInTheComp];
    }
    if (positionIn(["done", "imported", "in-project", "stale", "orphan"], job.state) === -1) {
        throw problem(
            "not-done",
            filled(SAYS.isNotFinished, job.name, STATE_WORDS[job.state] || job.state),
            SAYS.pressRefreshToSeeHowFar
        );
    }
    var result = readResult(job.manifest);
    var passes = [];
    if (job.output !== "matte") {
        passes.push(checkedPass(result, "foreground"));
    }
    if (job.output !== "foreground") {
        passes.push(checkedPass(result, "alpha"));
    }
    var look = lookOf(job, result.manifest);
    var notes = job.notes.concat(look.notes, holeNotes(passes));
    var reason = reasonAgainst(job, target, result.manifest);
    var said = inOneUndoStep(filled(SAYS.dropkeyBringBack, job.name), function () {
        return reason === null ? intoComp(job, target, passes, look) : intoProject(job, passes, look, reason);
    });
    saveStore();
    return notes.concat(said, colorNotes(job.output));
}

/** What the footage is to be interpreted as; the rate is the source's own number where it is the same rate. */
function lookOf(job, manifest) {
    var said = associationOf(manifest);
    var notes = said.note === "" ? [] : [said.note];
    var keyed = rateNumber(own(manifest, "fps", null));
    var fps = job.fps;
    if (isNaN(keyed)) {
        notes.push(SAYS.theManifestNamesNoFrameRate);
    } else if (Math.abs(keyed - job.fps) > 0.01) {
        fps = keyed;
        notes.push(filled(SAYS.theKeyRunsAtFramesPer, keyed, job.fps));
    }
    return {
        association: said.association,
        fps: fps,
        pixelAspect: own(job, "pixelAspect", 1),
        notes: notes,
        label: manifest.shot + " v" + padded(manifest.version, 3),
        comment: "DropKey " + job.jobId + ", " + own(manifest, "color_space", "scene-linear Rec.709 D65")
    };
}

function holeNotes(passes) {
    var holes = passes[0].holes;
    return holes.length === 0 ? [] : [filled(SAYS.acceptedHolesAtFrames, spansText(holes))];
}

/** Why the result must not go into the comp: {state, text}; null where it may. */
function reasonAgainst(job, target, manifest) {
    if (target.layer === null) {
        return { state: "orphan", text: SAYS.theLayerItsCompOrIts };
    }
    var file = sourceFile(target.layer.source);
    if (!target.layer.source || target.layer.source.id !== job.sourceId || bareName(file) !== bareName(job.sourceFile)) {
        return { state: "stale", text: SAYS.theLayerHasAnotherSourceNow };
    }
    if (manifest.plate.width !== job.width || manifest.plate.height !== job.height) {
        return {
            state: "stale",
            text: filled(SAYS.theKeyIsXTheSource,
                manifest.plate.width, manifest.plate.height, job.width, job.height)
        };
    }
    return null;
}

function intoProject(job, passes, look, reason) {
    var made = [];
    try {
        importAll(job, passes, look, made);
    } catch (error) {
        removeMade(made);
        throw error;
    }
    job.state = reason.state === "orphan" ? "orphan" : "stale";
    return [reason.text];
}

function importAll(job, passes, look, made) {
    var items = {};
    for (var i = 0; i < passes.length; i += 1) {
        /** @type {any} */
        var item = importedAlready(passes[i]);
        if (item === null) {
            item = importPass(passes[i], merged(look, { folder: projectFolder(job), color: setting("labelColor") }));
            made.push(item);
        } else {
            interpret(item, passes[i], look);
        }
        items[passes[i].name] = item;
    }
    job.items = {
        foreground: items.foreground ? items.foreground.id : 0,
        alpha: items.alpha ? items.alpha.id : 0
    };
    return items;
}

/** Footage of the same files that is in the project: a second item of it would only be in the way. */
function importedAlready(pass) {
    for (var i = 1; i <= app.project.numItems; i += 1) {
        var item = app.project.item(i);
        if (item instanceof FootageItem && bareName(sourceFile(item)) === bareName(pass.file)) {
            return item;
        }
    }
    return null;
}

function intoComp(job, target, passes, look) {
    var earlier = earlierResult(job);
    if (earlier !== null) {
        replaceAll(job, earlier, passes, look);
        return [SAYS.theNewVersionIsBehindThe];
    }
    var made = [];
    try {
        var items = importAll(job, passes, look, made);
        var notes = placeAll(job, target, items, passes, made);
        // Only now, when everything stands: the source is hidden, never deleted.
        whileUnlocked(target.layer, function () { target.layer.enabled = false; });
        job.state = "imported";
        return notes;
    } catch (error) {
        removeMade(made);
        job.items = {};
        throw error;
    }
}

function placeAll(job, target, items, passes, made) {
    var placed;
    if (job.output === "matte") {
        placed = placeMatte(target.comp, target.layer, items.alpha, job, passes[0], made);
        job.layers = layerIds([placed.fill, placed.matte]);
        return placed.notes;
    }
    placed = placeItem(target.comp, target.layer, items.foreground, job, passes[0], made);
    job.layers = layerIds([placed.layer]);
    return placed.notes;
}

function layerIds(layers) {
    var ids = [];
    for (var i = 0; i < layers.length; i += 1) {
        ids.push(own2(layers[i], "id", 0));
    }
    return ids;
}

/** An earlier job of the same layer, frames and output whose footage is still in the project; null where none is. */
function earlierResult(job) {
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        var other = jobs[i];
        var same = other.compId === job.compId && other.layerId === job.layerId && sameProject(other, job)
            && other.first === job.first && other.last === job.last && other.output === job.output
            && other.rendered === job.rendered && Math.abs(other.placeTime - job.placeTime) < FRAME_SLACK;
        if (other.state === "imported" && same && isPlaced(other)) {
            return other;
        }
    }
    return null;
}

function footageIsThere(job) {
    var wanted = job.output === "matte" ? job.items.alpha : job.items.foreground;
    return itemWithId(wanted) !== null;
}

/** Whether a key still stands where it was brought: Undo, or the artist, may have taken layer or footage away. */
function isPlaced(job) {
    var comp = itemWithId(job.compId);
    if (!footageIsThere(job) || !(comp instanceof CompItem)) {
        return false;
    }
    for (var i = 0; i < job.layers.length; i += 1) {
        if (job.layers[i] !== 0 && !hasLayer(comp, job.layers[i])) {
            return false;
        }
    }
    return true;
}

function hasLayer(comp, id) {
    for (var i = 1; i <= comp.numLayers; i += 1) {
        if (comp.layer(i).id === id) {
            return true;
        }
    }
    return false;
}

function replaceAll(job, earlier, passes, look) {
    for (var i = 0; i < passes.length; i += 1) {
        var item = itemWithId(earlier.items[passes[i].name]);
        if (item !== null) {
            var before = item.name;
            replacePass(item, passes[i], look);
            renameLayers(earlier, before, item.name);
        }
    }
    job.items = earlier.items;
    job.layers = earlier.layers;
    job.state = "imported";
    earlier.state = "in-project";
}

/** A layer that still bears its footage's old name takes the new one; a name that the artist gave stays. */
function renameLayers(job, before, now) {
    var comp = itemWithId(job.compId);
    for (var i = 1; comp instanceof CompItem && i <= comp.numLayers; i += 1) {
        var layer = comp.layer(i);
        if (layer.name === before && positionIn(job.layers, own2(layer, "id", 0)) !== -1) {
            layer.name = now;
        }
    }
}

/** What the project's color does to what comes back; nothing to an alpha alone. */
function colorNotes(output) {
    var report = output === "matte" ? [] : colorReport(app.project);
    var notes = [];
    for (var i = 0; i < report.length; i += 1) {
        notes.push(report[i].text);
    }
    return notes;
}
