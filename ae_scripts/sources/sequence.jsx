/** Numbered files behind a footage item: which frames it shows, and which of them are on disk. */

function frameCount(item) {
    return Math.max(1, Math.round(item.duration * (item.mainSource.conformFrameRate || item.frameRate)));
}

function isSequence(item) {
    return positionIn(PICTURE_ENDINGS, endingOf(item.mainSource.file)) !== -1;
}

/**
 * Whether the folder holds frames in front of the one that the footage names: then a part was imported, and only After
 * Effects knows which frames that is. Frames behind it were added since, and change nothing.
 */
function isPartOfSequence(item) {
    if (!isSequence(item)) {
        return false;
    }
    var like = numberedName(lastName(item.mainSource.file.fsName));
    if (like === null) {
        return false;
    }
    var found = sequenceFrames(item.mainSource.file.parent, like);
    return found.first < like.number && found.last >= like.number;
}

/** {plate, base, there}: what the service is told, the number of the first frame, and the frames on disk by number. */
function plateNumbers(item, count) {
    var file = item.mainSource.file;
    if (!isSequence(item)) {
        return { plate: file.fsName, base: 1, there: null };
    }
    var like = numberedName(lastName(file.fsName));
    if (like === null) {
        throw problem("no-numbers", filled(SAYS.hasNoFrameNumber, shownName(file)), SAYS.numberTheSequencesFiles);
    }
    var found = sequenceFrames(file.parent, like);
    if (found.last < like.number + count - 1 && found.count < count / 2) {
        throw problem(
            "plate-gaps",
            filled(SAYS.showsFramesAndItsFolderHolds,
                item.name, count, found.count, found.first, found.last),
            SAYS.renderTheMissingFramesOrReload
        );
    }
    return { plate: joinedPath(parentPath(file.fsName), patternOf(like)), base: like.number, there: found.numbers };
}

/** The frames of an order that are not on disk. */
function missingIn(numbers, frames) {
    var missing = [];
    for (var number = numbers.base + frames.first; numbers.there !== null && number <= numbers.base + frames.last; number += 1) {
        if (!has(numbers.there, number)) {
            missing.push(number);
        }
    }
    return missing;
}

function notesOfGaps(missing) {
    return missing.length === 0 ? [] : [filled(
        SAYS.framesAreNotOnDiskThe, spansText(missing)
    )];
}

function sequenceFrames(folder, like) {
    var files = folder.getFiles();
    var result = { count: 0, first: Infinity, last: -Infinity, numbers: {} };
    for (var i = 0; files && i < files.length; i += 1) {
        var number = numberIn(lastName(files[i].fsName), like);
        if (number !== null) {
            result.count += 1;
            result.numbers[number] = true;
            result.first = Math.min(result.first, number);
            result.last = Math.max(result.last, number);
        }
    }
    return result;
}
