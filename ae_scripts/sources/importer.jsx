/** A checked pass becomes a footage item with alpha and frame rate set, in one folder of the project. */

var PROJECT_FOLDER = "DropKey";
var ASPECT_SLACK = 0.0001;

/** Imports a pass as new footage. `look` is {association, fps, pixelAspect, label, color, folder, comment}. */
function importPass(pass, look) {
    var file = fileAt(pass.file);
    var options = new ImportOptions(file);
    options.sequence = pass.count > 1;
    options.forceAlphabetical = false;
    if (options.canImportAs(ImportAsType.FOOTAGE)) {
        options.importAs = ImportAsType.FOOTAGE;
    }
    var item = app.project.importFile(options);
    try {
        interpret(item, pass, look);
        item.parentFolder = look.folder;
        if (look.color > 0) {
            item.label = look.color;
        }
    } catch (error) {
        removeOne(item);
        throw error;
    }
    return item;
}

/** Puts a new version behind an item that is in use; layers, effects and mattes stay. */
function replacePass(item, pass, look) {
    var file = fileAt(pass.file);
    if (pass.count > 1) {
        item.replaceWithSequence(file, false);
    } else {
        item.replace(file);
    }
    // After Effects may guess alpha anew, and takes its preference for the frame rate.
    interpret(item, pass, look);
}

function interpret(item, pass, look) {
    var main = item.mainSource;
    if (main.hasAlpha) {
        main.invertAlpha = false;
        if (pass.name === "foreground" && look.association === "straight") {
            main.alphaMode = AlphaMode.STRAIGHT;
        } else {
            main.alphaMode = AlphaMode.PREMULTIPLIED;
            main.premulColor = [0, 0, 0];
        }
    }
    // A still has no rate, and setting one is an error.
    if (!main.isStill && look.fps > 0) {
        main.conformFrameRate = look.fps;
    }
    // A pixel of the key has the shape that the artist gave to the source's.
    if (Math.abs(item.pixelAspect - look.pixelAspect) > ASPECT_SLACK) {
        item.pixelAspect = look.pixelAspect;
    }
    item.name = look.label + (pass.name === "alpha" ? " alpha" : " key");
    item.comment = look.comment;
}

/** Where in the project keys go, as Setup says: one folder, one for each comp in it, or beside the source. */
function projectFolder(job) {
    var source = setting("folderScheme") === "source" ? itemWithId(job.sourceId) : null;
    if (source !== null && source.parentFolder) {
        return source.parentFolder;
    }
    var top = folderNamed(PROJECT_FOLDER, null);
    return setting("folderScheme") === "comp" ? folderNamed(job.compName, top) : top;
}

function folderNamed(name, parent) {
    for (var i = 1; i <= app.project.numItems; i += 1) {
        var item = app.project.item(i);
        if (item instanceof FolderItem && item.name === name && (parent === null || item.parentFolder === parent)) {
            return item;
        }
    }
    var made = app.project.items.addFolder(name);
    if (parent !== null) {
        made.parentFolder = parent;
    }
    return made;
}

/** The project item with that id, or null. */
function itemWithId(id) {
    if (!id) {
        return null;
    }
    // Older versions lack `itemByID`, and for an id that was never given it throws.
    var found = typeof app.project.itemByID !== "function" ? null : attempt(function () { return app.project.itemByID(id); }, null);
    if (found !== null) {
        return found;
    }
    for (var i = 1; i <= app.project.numItems; i += 1) {
        if (app.project.item(i).id === id) {
            return app.project.item(i);
        }
    }
    return null;
}
