/** How a render is set: every setting that matters, by number, whatever the user's default template and language say. */

var HIDDEN_TEMPLATE = "_HIDDEN X-Factor 16";
var NO_TEMPLATE_FIX = SAYS.inEditTemplatesOutputModuleMake;
// Key, number, and the word that older versions want in place of the number.
var RENDER_SETTINGS = [
    ["Quality", 2, "Best"],
    ["Field Render", 0, "Off"],
    ["3:2 Pulldown", 0, "Off"],
    ["Frame Rate", 0, "Use comp's frame rate"],
    ["Skip Existing Files", false, "false"],
    ["Guide Layers", 0, "All Off"],
    ["Proxy Use", 0, "Use No Proxies"],
    ["Solo Switches", 2, "Current Settings"],
    ["Effects", 2, "Current Settings"],
    ["Color Depth", -1, "Current Settings"],
    ["Frame Blending", 1, "On for Checked Layers"],
    ["Motion Blur", 1, "On for Checked Layers"]
];
// Of the output module; the format's own settings come with its template.
var MODULE_SETTINGS = [
    ["Use Comp Frame Number", false], ["Starting #", 1], ["Crop", false], ["Resize", false], ["Post-Render Action", 0]
];

/** Sets time span, settings, template and target of the queue item; returns the ending of the files that it writes. */
function prepareItem(item, temporary, span, fresh) {
    for (var i = 0; i < RENDER_SETTINGS.length; i += 1) {
        setRendering(item, RENDER_SETTINGS[i]);
    }
    setFullResolution(item);
    // The render queue counts in display time.
    item.timeSpanStart = span.start + temporary.displayStartTime;
    item.timeSpanDuration = span.end - span.start;
    var ending = applyTemplate(item);
    for (var k = 0; k < MODULE_SETTINGS.length; k += 1) {
        setModule(item, MODULE_SETTINGS[k]);
    }
    // What was fetched before `setSettings` is dead now.
    item.outputModule(1).file = fileAt(joinedPath(fresh.path, fresh.name + "_[#####]" + ending));
    return ending;
}

function setRendering(item, wanted) {
    for (var way = 1; way <= 2; way += 1) {
        var now = numberSettings(item);
        if (now !== null && String(own(now, wanted[0], "")) === String(wanted[1])) {
            return;
        }
        attempt(assignment(item, wanted[0], wanted[way]), null);
    }
}

function assignment(item, key, value) {
    return function () {
        var one = {};
        one[key] = value;
        item.setSettings(one);
    };
}

function numberSettings(item) {
    return attempt(function () { return item.getSettings(GetSettingsFormat.NUMBER); }, null);
}

/** The numbers of a resolution come as a list or as x and y, depending on the version. */
function setFullResolution(item) {
    var ways = ["Full", [1, 1], { x: 1, y: 1 }];
    for (var i = 0; i < ways.length && !isFull(item); i += 1) {
        attempt(assignment(item, "Resolution", ways[i]), null);
    }
}

function isFull(item) {
    var now = own(numberSettings(item), "Resolution", null);
    var values = isList(now) ? now : [own(now, "x", 0), own(now, "y", 0)];
    return values[0] === 1 && values[1] === 1;
}

function setModule(item, wanted) {
    attempt(function () {
        var one = {};
        one[wanted[0]] = wanted[1];
        item.outputModule(1).setSettings(one);
    }, null);
}

/**
 * Takes the artist's template, else After Effects' hidden 16-bit PNG, else the best of all there are; returns the ending
 * of its files. Only what a template writes counts: its name is in the user's language.
 */
function applyTemplate(item) {
    var wanted = setting("renderTemplate");
    var found = wanted === "" ? offer(item, HIDDEN_TEMPLATE) : offer(item, wanted);
    if (wanted !== "" && found === null) {
        throw problem("no-template", filled(SAYS.theOutputTemplateDoesNotWork, wanted), NO_TEMPLATE_FIX);
    }
    if (found === null || (found.worth < 2 && wanted === "")) {
        found = bestTemplate(item);
    }
    if (found === null) {
        throw problem("no-template", SAYS.afterEffectsHasNoOutputTemplate, NO_TEMPLATE_FIX);
    }
    return found.ending;
}

function bestTemplate(item) {
    var names = attempt(function () { return item.outputModule(1).templates; }, []);
    var best = null;
    var chosen = "";
    for (var i = 0; i < names.length; i += 1) {
        var one = offer(item, names[i]);
        if (one !== null && (best === null || one.worth > best.worth)) {
            best = one;
            chosen = names[i];
        }
    }
    return best === null ? null : offer(item, chosen);
}

/** What a template writes: {ending, worth}; null where it is no sequence that DropKey reads, or does not apply. */
function offer(item, template) {
    return attempt(function () {
        item.outputModule(1).applyTemplate(template);
        var module = item.outputModule(1);
        var ending = endingOfModule(module);
        if (positionIn([".png", ".tif", ".exr"], ending) === -1) {
            return null;
        }
        // Millions of colors are 24 or 32, trillions 48 or 64, floating point 96 or 128.
        var depth = Number(own(module.getSettings(GetSettingsFormat.NUMBER), "Depth", 0));
        return { ending: ending, worth: depth >= 48 && ending === ".png" ? 2 : 1 };
    }, null);
}

/** By the file that the module would write; by the format's name where none is named yet. */
function endingOfModule(module) {
    var name = module.file ? shownName(module.file) : "";
    var found = /\.([a-z]+)$/i.exec(name);
    var told = found ? found[1].toLowerCase() : String(module.getSettings(GetSettingsFormat.STRING).Format).toLowerCase();
    var kinds = [["png", ".png"], ["tif", ".tif"], ["exr", ".exr"]];
    for (var i = 0; i < kinds.length; i += 1) {
        if (told.indexOf(kinds[i][0]) !== -1) {
            return kinds[i][1];
        }
    }
    return "";
}
