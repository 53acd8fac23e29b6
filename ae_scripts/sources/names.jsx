/** Names of files compared as people see them: macOS stores an accented letter as two characters, others as one. */

// Hexadecimal: a letter, and the letters that are it with a mark.
var MARKED_LETTERS = "41:c0-c5,100,102,104,1cd,1e00,1ea0,1ea2,1ea4,1ea6,1ea8,1eaa,1eac,1eae,1eb0,1eb2,1eb4,1eb6 "
    + "42:1e02,1e04,1e06 43:c7,106,108,10a,10c,1e08 44:10e,1e0a,1e0c,1e0e,1e10,1e12 "
    + "45:c8-cb,112,114,116,118,11a,1e14,1e16,1e18,1e1a,1e1c,1eb8,1eba,1ebc,1ebe,1ec0,1ec2,1ec4,1ec6 "
    + "46:1e1e 47:11c,11e,120,122,1e20 48:124,1e22,1e24,1e26,1e28,1e2a "
    + "49:cc-cf,128,12a,12c,12e,130,1cf,1e2c,1e2e,1ec8,1eca 4a:134 4b:136,1e30,1e32,1e34 "
    + "4c:139,13b,13d,1e36,1e38,1e3a,1e3c 4d:1e3e,1e40,1e42 4e:d1,143,145,147,1e44,1e46,1e48,1e4a "
    + "4f:d2-d6,14c,14e,150,1a0,1d1,1e4c,1e4e,1e50,1e52,1ecc,1ece,1ed0,1ed2,1ed4,1ed6,1ed8,1eda,1edc,1ede,1ee0,1ee2 "
    + "50:1e54,1e56 52:154,156,158,1e58,1e5a,1e5c,1e5e 53:15a,15c,15e,160,1e60,1e62,1e64,1e66,1e68 "
    + "54:162,164,1e6a,1e6c,1e6e,1e70 "
    + "55:d9-dc,168,16a,16c,16e,170,172,1af,1d3,1d5,1d7,1d9,1db,1e72,1e74,1e76,1e78,1e7a,1ee4,1ee6,1ee8,1eea,1eec,1eee,1ef0 "
    + "56:1e7c,1e7e 57:174,1e80,1e82,1e84,1e86,1e88 58:1e8a,1e8c 59:dd,176,178,1e8e,1ef2,1ef4,1ef6,1ef8 "
    + "5a:179,17b,17d,1e90,1e92,1e94 "
    + "61:e0-e5,101,103,105,1ce,1e01,1ea1,1ea3,1ea5,1ea7,1ea9,1eab,1ead,1eaf,1eb1,1eb3,1eb5,1eb7 "
    + "62:1e03,1e05,1e07 63:e7,107,109,10b,10d,1e09 64:10f,1e0b,1e0d,1e0f,1e11,1e13 "
    + "65:e8-eb,113,115,117,119,11b,1e15,1e17,1e19,1e1b,1e1d,1eb9,1ebb,1ebd,1ebf,1ec1,1ec3,1ec5,1ec7 "
    + "66:1e1f 67:11d,11f,121,123,1e21 68:125,1e23,1e25,1e27,1e29,1e2b,1e96 "
    + "69:ec-ef,129,12b,12d,12f,1d0,1e2d,1e2f,1ec9,1ecb 6a:135 6b:137,1e31,1e33,1e35 "
    + "6c:13a,13c,13e,1e37,1e39,1e3b,1e3d 6d:1e3f,1e41,1e43 6e:f1,144,146,148,1e45,1e47,1e49,1e4b "
    + "6f:f2-f6,14d,14f,151,1a1,1d2,1e4d,1e4f,1e51,1e53,1ecd,1ecf,1ed1,1ed3,1ed5,1ed7,1ed9,1edb,1edd,1edf,1ee1,1ee3 "
    + "70:1e55,1e57 72:155,157,159,1e59,1e5b,1e5d,1e5f 73:15b,15d,15f,161,1e61,1e63,1e65,1e67,1e69 "
    + "74:163,165,1e6b,1e6d,1e6f,1e71,1e97 "
    + "75:f9-fc,169,16b,16d,16f,171,173,1b0,1d4,1d6,1d8,1da,1dc,1e73,1e75,1e77,1e79,1e7b,1ee5,1ee7,1ee9,1eeb,1eed,1eef,1ef1 "
    + "76:1e7d,1e7f 77:175,1e81,1e83,1e85,1e87,1e89,1e98 78:1e8b,1e8d "
    + "79:fd,ff,177,1e8f,1e99,1ef3,1ef5,1ef7,1ef9 7a:17a,17c,17e,1e91,1e93,1e95 17f:1e9b 391:386 395:388 "
    + "397:389 399:38a,3aa 39f:38c 3a5:38e,3ab 3a9:38f 3b1:3ac 3b5:3ad 3b7:3ae 3b9:390,3af,3ca 3bf:3cc "
    + "3c5:3b0,3cb,3cd 3c9:3ce 406:407 413:403 415:400-401 418:40d,419 41a:40c 423:40e 433:453 435:450-451 "
    + "438:439,45d 43a:45c 443:45e 456:457 3046:3094 304b:304c 304d:304e 304f:3050 3051:3052 3053:3054 "
    + "3055:3056 3057:3058 3059:305a 305b:305c 305d:305e 305f:3060 3061:3062 3064:3065 3066:3067 3068:3069 "
    + "306f:3070-3071 3072:3073-3074 3075:3076-3077 3078:3079-307a 307b:307c-307d 309d:309e 30a6:30f4 "
    + "30ab:30ac 30ad:30ae 30af:30b0 30b1:30b2 30b3:30b4 30b5:30b6 30b7:30b8 30b9:30ba 30bb:30bc 30bd:30be "
    + "30bf:30c0 30c1:30c2 30c4:30c5 30c6:30c7 30c8:30c9 30cf:30d0-30d1 30d2:30d3-30d4 30d5:30d6-30d7 "
    + "30d8:30d9-30da 30db:30dc-30dd 30ef:30f7 30f0:30f8 30f1:30f9 30f2:30fa 30fd:30fe";

/** @type {any} */
var plainLetters = null;

/** A name without the marks of its letters, the same whether they are written as one character or as two. */
function bareName(name) {
    if (!/[^\x00-\x7f]/.test(name)) {
        return name;
    }
    var parts = [];
    for (var i = 0; i < name.length; i += 1) {
        parts.push(bareCharacter(name.charCodeAt(i), name.charAt(i)));
    }
    return parts.join("");
}

function bareCharacter(code, character) {
    if ((code >= 0x300 && code <= 0x36f) || code === 0x3099 || code === 0x309a) {
        return "";
    }
    if (code >= 0xac00 && code <= 0xd7a3) {
        return hangulParts(code - 0xac00);
    }
    return own(markedLetters(), character, character);
}

/** The two or three letters of a Korean syllable: Unicode 15, section 3.12. */
function hangulParts(index) {
    var last = index % 28;
    return String.fromCharCode(0x1100 + Math.floor(index / 588))
        + String.fromCharCode(0x1161 + Math.floor((index % 588) / 28))
        + (last === 0 ? "" : String.fromCharCode(0x11a7 + last));
}

function markedLetters() {
    if (plainLetters === null) {
        plainLetters = {};
        var rows = MARKED_LETTERS.split(" ");
        for (var i = 0; i < rows.length; i += 1) {
            addMarked(rows[i].split(":"));
        }
    }
    return plainLetters;
}

function addMarked(row) {
    var spans = row[1].split(",");
    for (var i = 0; i < spans.length; i += 1) {
        var ends = spans[i].split("-");
        for (var code = parseInt(ends[0], 16); code <= parseInt(ends[ends.length - 1], 16); code += 1) {
            plainLetters[String.fromCharCode(code)] = String.fromCharCode(parseInt(row[0], 16));
        }
    }
}
