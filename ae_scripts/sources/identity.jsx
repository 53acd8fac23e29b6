/** Which project a job belongs to: a mark that travels inside the project, whatever its file is called and wherever it lies. */

// In the project's XMP, which Undo leaves alone and every copy of the file carries along.
var MARK_START = "dropkey-project-";
var MARK_XMP = "<rdf:Description rdf:about=\"\" xmlns:dropkey=\"urn:dropkey:project#\">"
    + "<dropkey:project>{0}</dropkey:project></rdf:Description>";
var EMPTY_XMP = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
    + "</rdf:RDF></x:xmpmeta>";

/** The mark of the open project; empty where it has none, or this After Effects tells none. */
function projectMark() {
    var xmp = attempt(function () { return String(app.project.xmpPacket || ""); }, "");
    // The packet may be written anew in another form of XML: the value says what it is by itself.
    var found = /dropkey-project-[0-9a-z]{8,40}/.exec(xmp);
    return found ? found[0] : "";
}

/** Gives the open project a mark before the first job is sent from it. */
function markProject() {
    if (!app.project || projectMark() !== "") {
        return;
    }
    var mark = markOfPath(projectPath()) || MARK_START + newKey();
    attempt(function () {
        inOneUndoStep(SAYS.dropkeyMarkProject, function () {
            var xmp = String(app.project.xmpPacket || "");
            var whole = xmp.indexOf("</rdf:RDF>") === -1 ? EMPTY_XMP : xmp;
            var end = whole.lastIndexOf("</rdf:RDF>");
            app.project.xmpPacket = whole.substring(0, end) + filled(MARK_XMP, mark) + whole.substring(end);
        });
    }, null);
}

/** The mark that a project at this path had: it may have been closed without saving. */
function markOfPath(path) {
    var jobs = store().jobs;
    for (var i = 0; path !== "" && i < jobs.length; i += 1) {
        if (jobs[i].project === path && own(jobs[i], "projectId", "") !== "") {
            return jobs[i].projectId;
        }
    }
    return "";
}

/**
 * Whether two jobs, or a job and what stands here, are of one project. Marks decide; but copies of one template carry the
 * same mark and ids, so under another path the footage must be the same, too.
 */
function sameProject(one, other) {
    var marks = [own(one, "projectId", ""), own(other, "projectId", "")];
    if (marks[0] !== "" && marks[1] !== "") {
        return marks[0] === marks[1]
            && ((one.project === other.project && one.project !== "") || own(one, "sourceSign", "") === own(other, "sourceSign", ""));
    }
    if (one.project === "" || other.project === "") {
        return false;
    }
    return one.project === other.project || areNeighbours(one, other);
}

/** Without marks: saved under another name in the same folder (Increment and Save), with all names as they were. */
function areNeighbours(one, other) {
    return parentPath(one.project) === parentPath(other.project)
        && one.compName === other.compName
        && one.layerName === other.layerName
        && own(one, "sourceFile", "") === own(other, "sourceFile", "");
}
