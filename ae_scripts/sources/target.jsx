/** The layer that a job came from: found by id, never by selection, and only in the project that it was sent from. */

/**
 * The layer a job came from, found by id, never by selection: {comp, layer}; layer null when it is gone.
 * A project that was saved under another name since is the same one, if comp, layer and file still bear their names.
 */
function findTarget(job) {
    var found = targetById(job);
    var here = {
        project: projectPath(),
        projectId: projectMark(),
        sourceSign: found.layer ? sourceSign(found.layer.source) : job.sourceSign,
        compName: found.comp ? found.comp.name : "",
        layerName: found.layer ? found.layer.name : "",
        sourceFile: found.layer ? sourceFile(found.layer.source) : ""
    };
    return sameProject(job, here) ? found : { comp: null, layer: null };
}

function targetById(job) {
    var comp = itemWithId(job.compId);
    if (!comp || !(comp instanceof CompItem)) {
        return { comp: null, layer: null };
    }
    for (var i = 1; job.layerId && i <= comp.numLayers; i += 1) {
        if (comp.layer(i).id === job.layerId) {
            return { comp: comp, layer: comp.layer(i) };
        }
    }
    // Before After Effects 22 layers have no id.
    if (!job.layerId && job.layerIndex <= comp.numLayers) {
        /** @type {any} */
        var there = comp.layer(job.layerIndex);
        if (there.name === job.layerName && there.source && there.source.id === job.sourceId) {
            return { comp: comp, layer: there };
        }
    }
    return { comp: comp, layer: null };
}
