/** Layers of a comp: times, order, masks, parents, copies; and the comp that holds them. */
import { Effect, Group, makeMask, transformGroup } from "./properties.mjs";

export const TrackMatteType = { NO_TRACK_MATTE: 5012, ALPHA: 5013, ALPHA_INVERTED: 5014, LUMA: 5015, LUMA_INVERTED: 5016 };
export const BlendingMode = { NORMAL: 5212, ADD: 5220 };

export function makeLayers(host, Item) {
    class Layer {
        static hostKind = "Layer";
        constructor(comp, name) {
            Object.assign(this, { comp, name, enabled: true, locked: false, selected: false, parent: null, id: host.nextId() });
            if (host.version < 22) this.id = undefined;
        }
        get index() { return this.comp.stack.indexOf(this) + 1; }
        get containingComp() { return this.comp; }
        remove() {
            if (this.locked) throw new Error("After Effects error: the layer is locked.");
            this.comp.stack.splice(this.index - 1, 1);
            this.isDead = true;
        }
        moveBefore(other) {
            if (other === this) throw new Error("After Effects error: cannot move a layer before itself.");
            if (this.locked || other.locked) throw new Error("After Effects error: a locked layer is in the way.");
            this.comp.stack.splice(this.index - 1, 1);
            this.comp.stack.splice(other.index - 1, 0, this);
        }
    }
    class TextLayer extends Layer { static hostKind = "TextLayer"; }
    class ShapeLayer extends Layer { static hostKind = "ShapeLayer"; }
    class CameraLayer extends Layer { static hostKind = "CameraLayer"; }
    class LightLayer extends Layer { static hostKind = "LightLayer"; }

    class AVLayer extends Layer {
        static hostKind = "AVLayer";
        constructor(comp, source, name) {
            super(comp, name ?? source.name);
            Object.assign(this, { source, start: 0, speed: 100, adjustmentLayer: false, nullLayer: false, threeDLayer: false });
            Object.assign(this, { timeRemapEnabled: false, matteType: TrackMatteType.NO_TRACK_MATTE, matteLayer: null, blendingMode: BlendingMode.NORMAL });
            this.groups = [transformGroup(this, source.width, source.height), new Group("ADBE Mask Parade"), new Group("ADBE Effect Parade")];
            this.trimIn = 0;
            this.trimOut = source.duration || comp.duration;
        }
        property(name) { return this.groups.find((group) => group.matchName === name) ?? null; }
        addMask(name, shape, more) {
            const mask = makeMask(this, name, shape, more);
            this.groups[1].children.push(mask);
            return mask;
        }
        addEffect(name) {
            const effect = new Effect(name);
            this.groups[2].children.push(effect);
            return effect;
        }
        get startTime() { return this.start; }
        set startTime(value) {
            const by = value - this.start;
            this.start = value;
            this.trimIn += by;
            this.trimOut += by;
            this.groups.forEach((group) => group.shift(by)); // keyframes move along
        }
        get stretch() { return this.speed; }
        set stretch(value) {
            const factor = value / this.speed;
            this.speed = value;
            this.trimIn = this.start + (this.trimIn - this.start) * factor;
            this.trimOut = this.start + (this.trimOut - this.start) * factor;
        }
        get extent() {
            const ends = [this.start, this.start + this.source.duration * (this.speed / 100)];
            return this.source.duration && !this.timeRemapEnabled ? [Math.min(...ends), Math.max(...ends)] : [-Infinity, Infinity];
        }
        get inPoint() { return this.trimIn; }
        set inPoint(value) { this.trimIn = Math.max(this.extent[0], value); }
        get outPoint() { return this.trimOut; }
        set outPoint(value) { this.trimOut = Math.min(this.extent[1], value); }
        get trackMatteType() { return this.matteType; }
        set trackMatteType(value) {
            this.matteType = value;
            this.matteLayer = this.comp.stack[this.index - 2] ?? null;
        }
        setParentWithJump(layer) { this.parent = layer; }
        replaceSource(item) { this.source = item; }
        copyInto(comp) {
            const copy = new AVLayer(comp, this.source, this.name);
            for (const key of ["start", "speed", "trimIn", "trimOut", "enabled", "parent", "adjustmentLayer", "threeDLayer", "timeRemapEnabled", "blendingMode"]) {
                copy[key] = this[key];
            }
            copy.groups = this.groups.map((group) => group.copyFor(copy));
            return copy;
        }
        duplicate() {
            const copy = this.copyInto(this.comp);
            this.comp.stack.splice(this.index - 1, 0, copy);
            return copy;
        }
        copyToComp(comp) {
            const copy = this.copyInto(comp);
            copy.parent = null;
            comp.stack.unshift(copy);
        }
    }
    if (host.version >= 23) {
        AVLayer.prototype.setTrackMatte = function setTrackMatte(layer, type) {
            this.matteLayer = layer;
            this.matteType = type;
        };
    }

    class LayerCollection {
        static hostKind = "LayerCollection";
        constructor(comp) { this.comp = comp; }
        get length() { return this.comp.stack.length; }
        add(item) {
            const layer = new AVLayer(this.comp, item);
            this.comp.stack.unshift(layer);
            return layer;
        }
    }

    class CompItem extends Item {
        static hostKind = "CompItem";
        constructor(name, width, height, pixelAspect, duration, frameRate) {
            super();
            Object.assign(this, { name, width, height, pixelAspect, duration, frameRate, stack: [], time: 0, displayStartTime: 0 });
            Object.assign(this, { workAreaStart: 0, workAreaDuration: duration, resolutionFactor: [1, 1] });
        }
        get frameDuration() { return 1 / this.frameRate; }
        get numLayers() { return this.stack.length; }
        get layers() { return new LayerCollection(this); }
        get selectedLayers() { return this.stack.filter((layer) => layer.selected); }
        layer(which) {
            const found = typeof which === "number" ? this.stack[which - 1] : this.stack.find((layer) => layer.name === which);
            if (!found) throw new Error(`After Effects error: no layer ${which}.`);
            return found;
        }
    }
    return { Layer, TextLayer, ShapeLayer, CameraLayer, LightLayer, AVLayer, CompItem };
}
