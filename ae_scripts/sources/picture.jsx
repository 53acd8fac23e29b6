/** A picture in the panel, shown whole: as wide as the panel, never larger than it is, never higher than wide. */

/** Adds the control, hidden until it has a picture. */
function addPicture(container) {
    var picture = container.add("image", undefined);
    picture.alignment = ["fill", "top"];
    picture.visible = false;
    // An image control by itself shows what it has room for, pixel by pixel, and cuts off the rest.
    picture.onDraw = function () {
        attempt(function () { drawWhole(picture); }, null);
    };
    return picture;
}

function drawWhole(picture) {
    if (!picture.image) {
        return;
    }
    var room = picture.size;
    var size = fittedSize(picture.image.size, room[0], room[1]);
    picture.graphics.drawImage(
        picture.image, Math.round((room[0] - size[0]) / 2), Math.round((room[1] - size[1]) / 2), size[0], size[1]
    );
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
