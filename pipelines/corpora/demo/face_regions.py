"""Which of the 478 FaceMesh points belong to which feature, as curves that correspond point by point.

Left and right are the image's: "left" eye is the one at smaller x in the portrait. Numbers are those of MediaPipe's canonical mesh.
"""

from __future__ import annotations

UPPER_LIP_CURVES = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
)
"""Curves of the upper lip from the outer edge to the inner one, each from the left corner to the right one."""

LOWER_LIP_CURVES = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)
"""Curves of the lower lip, likewise; the corners are shared with the upper lip."""

UPPER_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (263, 466, 388, 387, 386, 385, 384, 398, 362))
LOWER_LIDS = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (263, 249, 390, 373, 374, 380, 381, 382, 362))
"""Lid edges of the left and right eye from the outer corner to the inner one."""

LID_CREASES = ((247, 30, 29, 27, 28, 56, 190), (467, 260, 259, 257, 258, 286, 414))
"""The curve above the upper lid, for columns 1 to 7 of `UPPER_LIDS`."""

LID_FOLDS = ((113, 225, 224, 223, 222, 221, 189), (342, 445, 444, 443, 442, 441, 413))
"""The curve above the crease, under the brow."""

UNDER_EYES = ((25, 110, 24, 23, 22, 26, 112), (255, 339, 254, 253, 252, 256, 341))
"""The curve below the lower lid, for columns 1 to 7."""

BROW_INNER = ((107, 66, 55, 65), (336, 296, 285, 295))
BROW_OUTER = ((70, 63, 105, 46, 53, 52), (300, 293, 334, 276, 283, 282))

BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
"""Outlines of the left and right brow."""

IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Centre and four points on the rim."""

NOSE = (1, 2, 4, 5, 6, 19, 94, 98, 97, 326, 327, 168, 195, 197, 45, 275, 220, 440, 115, 344, 48, 278, 64, 294)
NOSE_WINGS = ((49, 129, 64, 98, 48, 102), (279, 358, 294, 327, 278, 331))
BESIDE_MOUTH = ((57, 186, 43), (287, 410, 273))
CHEEKS = ((50, 101, 205, 118, 117), (280, 330, 425, 347, 346))
CHIN = (152, 175, 199, 200, 148, 377, 171, 396, 208, 428, 176, 400, 201, 421, 18, 83, 313)

JAW_LINE = ((152,), (148, 377), (176, 400), (149, 378), (150, 379), (136, 365), (172, 397), (58, 288), (132, 361), (93, 323), (234, 454))
"""Pairs of the face contour from the chin up to the ears."""

FACE_CONTOUR = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The 36 points of the face's edge, clockwise from the forehead."""

JAW_CONTOUR = (361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132)
"""The part of it from below one ear along the jaw to below the other."""

RIGID = (
    6, 168, 197, 195, 5, 4, 1, 19, 94, 2, 98, 327, 33, 133, 263, 362, 127, 356, 234, 454, 10, 151, 9, 8, 109, 338, 67, 297, 103, 332,
    54, 284, 21, 251, 162, 389,
)  # fmt: skip
"""Points that facial expression hardly moves: forehead, bridge of the nose, eye corners, temples."""
