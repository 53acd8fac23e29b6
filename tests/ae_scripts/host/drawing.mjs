/** Draws the ScriptUI tree that the simulated host recorded, as an SVG; the real one differs in fonts and colors only. */

import { CHARACTER, GAP, LINE, shown, widthsInRow } from "./measure.mjs";

const INK = { back: "#232323", box: "#2d2d2d", edge: "#444", text: "#c8c8c8", button: "#3a3a3a", field: "#1b1b1b", mark: "#4b8bf5" };

const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function wrapped(text, width) {
    const lines = [];
    for (const part of String(text).split("\n")) {
        let line = "";
        for (const word of part.split(" ")) {
            if ((line.length + word.length + 1) * CHARACTER > width && line) {
                lines.push(line);
                line = word;
            } else {
                line = line ? `${line} ${word}` : word;
            }
        }
        lines.push(line);
    }
    return lines;
}

/** Adds the widget at x, y, as wide as told, to `out`; returns its height. */
function draw(widget, x, y, width, out) {
    if (["group", "panel", "palette", "dialog"].includes(widget.type)) return container(widget, x, y, width, out);
    const middle = y + 15;
    const rect = (fill, height = LINE - 2, round = 3) => out.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${round}" fill="${fill}" stroke="${INK.edge}"/>`);
    const write = (text, at = x + 2, anchor = "start", line = middle) => out.push(`<text x="${at}" y="${line}" text-anchor="${anchor}">${escaped(text)}</text>`);
    const fitted = (text, room) => (text.length * CHARACTER > room ? `${text.slice(0, Math.floor(room / CHARACTER) - 1)}\u2026` : text);
    switch (widget.type) {
        case "button": rect(INK.button, LINE - 2, 9); write(fitted(widget.text, width - 4), x + width / 2, "middle"); return LINE;
        case "dropdownlist": rect(INK.button); write(fitted(widget.chosen?.text ?? "", width - 22), x + 6); write("\u25be", x + width - 12); return LINE;
        case "edittext": rect(INK.field); write(widget.text, x + 5); return LINE;
        case "checkbox": out.push(`<rect x="${x}" y="${y + 4}" width="12" height="12" fill="${widget.value ? INK.mark : INK.field}" stroke="${INK.edge}"/>`); write(widget.text, x + 18); return LINE;
        case "slider": out.push(`<path d="M${x} ${y + 10}h${width}" stroke="${INK.edge}" stroke-width="3"/><circle cx="${x + width * widget.value}" cy="${y + 10}" r="5" fill="${INK.text}"/>`); return LINE;
        case "image": return image(widget, x, y, width, out);
        case "listbox": return listbox(widget, x, y, width, out, fitted);
        default: break;
    }
    const lines = widget.properties.multiline ? wrapped(widget.text, width) : [widget.text];
    lines.forEach((line, i) => write(line, x + 2, "start", middle + i * 15));
    return Math.max(widget.minimumSize?.[1] ?? 0, lines.length * 15 + 6);
}

/** Stands for a keyed frame on grey. */
function image(widget, x, y, width, out) {
    const height = widget.size[1];
    const floor = y + height;
    out.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="#7a7a7a"/><path d="M${x + width / 2} ${floor - 72}a16 18 0 1 0 1 0zm-34 72c0-26 12-34 34-34s34 8 34 34z" fill="#b98f74"/>`);
    return height;
}

function listbox(widget, x, y, width, out, fitted) {
    const height = Math.max(widget.minimumSize?.[1] ?? 60, widget.items.length * 17 + 6);
    out.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${INK.field}" stroke="${INK.edge}"/>`);
    widget.items.forEach((item, i) => {
        if (item === widget.chosen) out.push(`<rect x="${x + 1}" y="${y + 3 + i * 17}" width="${width - 2}" height="17" fill="#2f4f86"/>`);
        out.push(`<text x="${x + 6}" y="${y + 16 + i * 17}">${escaped(fitted(item.text, width - 10))}</text>`);
    });
    return height;
}

function container(widget, x, y, width, out) {
    const framed = widget.type === "panel" && widget.parent !== null;
    const [inset, top] = framed ? [10, 20] : [0, 0];
    const children = shown(widget);
    const place = out.length;
    let height = top;
    if (widget.orientation === "row") {
        const widths = widthsInRow(children, width);
        let at = x;
        children.forEach((child, i) => {
            height = Math.max(height, draw(child, at, y, widths[i], out));
            at += widths[i] + GAP;
        });
        return height;
    }
    for (const child of children) height += draw(child, x + inset, y + height, width - 2 * inset, out) + GAP;
    if (framed) {
        height += 4;
        out.splice(place, 0, `<rect x="${x}" y="${y + 6}" width="${width}" height="${height - 6}" rx="3" fill="${INK.box}" stroke="${INK.edge}"/><text x="${x + 10}" y="${y + 11}">${escaped(widget.text)}</text>`);
    }
    return height;
}

/** One picture of a panel: {svg, height}. */
export function drawPanel(panel, title, x, y) {
    const out = [];
    const WIDTH = panel.size[0];
    const height = container(panel, x + 8, y + 34, WIDTH - 16, out) + 44;
    const frame = `<text x="${x}" y="${y + 12}" class="title">${escaped(title)}</text><rect x="${x}" y="${y + 20}" width="${WIDTH}" height="${height}" rx="4" fill="${INK.back}" stroke="#111"/>`;
    return { svg: frame + out.join(""), height: height + 24 };
}

/** All panels, each as wide as it is, side by side as far as `most` pixels reach. */
export function drawSheet(panels, most = 1100) {
    const parts = [];
    let [x, y, tallest, width] = [10, 8, 0, 0];
    for (const [title, panel] of panels) {
        if (x > 10 && x + panel.size[0] + 10 > most) {
            [x, y, tallest] = [10, y + tallest + 14, 0];
        }
        const drawn = drawPanel(panel, title, x, y);
        parts.push(drawn.svg);
        tallest = Math.max(tallest, drawn.height);
        x += panel.size[0] + 20;
        width = Math.max(width, x);
    }
    const height = y + tallest + 14;
    const style = `text{font:11px Helvetica,Arial,sans-serif;fill:${INK.text}}.title{font-weight:bold;font-size:13px;fill:#222}`;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><style>${style}</style><rect width="${width}" height="${height}" fill="#fff"/>${parts.join("\n")}</svg>\n`;
}
