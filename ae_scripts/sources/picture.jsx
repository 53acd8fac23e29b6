/** A picture in the panel: shown whole, as wide as the panel and never larger than it is, or enlarged. */

/** Adds the control, hidden until it has a picture. */
function addPicture(container) {
    var picture = container.add("image", undefined);
    picture.alignment = ["fill", "top"];
    picture.visible = false;
    /** @type {any} */
    var looked = { center: [0.5, 0.5] };
    // An image control by itself shows what it has room for, pixel by pixel, and cuts off the rest.
    picture.onDraw = function () {
        attempt(function () { drawPicture(picture, looked.center); }, null);
    };
    // The panel may be clicked only while no dialog is open, so this event is safe.
    picture.addEventListener("mousedown", function (event) {
        attempt(function () {
            looked.center = clickedPart(picture, looked.center, event.clientX, event.clientY);
            picture.notify("onDraw");
        }, null);
    });
    return picture;
}

function drawPicture(picture, center) {
    if (!picture.image) {
        return;
    }
    var place = placeOfPicture(picture, center);
    picture.graphics.drawImage(picture.image, place.left, place.top, place.size[0], place.size[1]);
}

/** Where the picture lies in its control: whole and in the middle, or enlarged with `center` in the middle. */
function placeOfPicture(picture, center) {
    var room = picture.size;
    var own = picture.image.size;
    var zoom = setting("zoom");
    var size = zoom > 0 ? [own[0] * zoom, own[1] * zoom] : fittedSize(own, room[0], room[1]);
    return { left: startOf(size[0], room[0], center[0]), top: startOf(size[1], room[1], center[1]), size: size };
}

/** Where a length begins so that its part `center` is in the middle of the room, without leaving room unused. */
function startOf(length, room, center) {
    if (length <= room) {
        return Math.round((room - length) / 2);
    }
    return Math.round(limited(room / 2 - center * length, room - length, 0));
}

function clickedPart(picture, center, x, y) {
    var place = placeOfPicture(picture, center);
    return [limited((x - place.left) / place.size[0], 0, 1), limited((y - place.top) / place.size[1], 0, 1)];
}

/** Asks for the height that the picture has in a column of that width (pixels); the next layout gives it. */
function fitPicture(picture, width) {
    if (picture.image) {
        picture.preferredSize = fittedSize(picture.image.size, width, width);
    }
}

function fittedSize(size, width, height) {
    var scale = Math.min(1, width / size[0], height / size[1]);
    return [Math.max(1, Math.round(size[0] * scale)), Math.max(1, Math.round(size[1] * scale))];
}
