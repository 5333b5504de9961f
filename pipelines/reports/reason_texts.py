"""What each rejection reason means, in one line for people."""

from storage_schemas.rejections import RejectionReason as Reason

REASON_TEXTS: dict[Reason, str] = {
    Reason.NOT_A_REGULAR_FILE: "a broken or looping link, a folder or a device with the name of a video",
    Reason.UNREADABLE_FILE: "the file may not be read, or the disk failed on it",
    Reason.EMPTY_FILE: "the file has no bytes",
    Reason.UNKNOWN_NAME: "the name does not follow the layout of the corpus",
    Reason.MISSING_SOURCE: "listed by the corpus, but the file is not there",
    Reason.BAD_ANNOTATION: "what the corpus says of the recording cannot be right",
    Reason.DUPLICATE_RECORDING: "another recording has the same name",
    Reason.NOT_MEDIA: "the bytes are of no known video format",
    Reason.TRUNCATED_FILE: "the file ends before its contents do",
    Reason.NO_VIDEO_STREAM: "there is no picture in the file",
    Reason.NO_AUDIO_STREAM: "there is no sound, and the specification asks for it",
    Reason.UNSUPPORTED_CODEC: "the video is coded in a way that no decoder here knows",
    Reason.VIDEO_UNDECODABLE: "the picture could not be decoded",
    Reason.AUDIO_UNDECODABLE: "the sound could not be decoded",
    Reason.DIMENSIONS_OUT_OF_RANGE: "the picture is larger or smaller than the limits allow",
    Reason.DURATION_OUT_OF_RANGE: "the recording is longer than the limit, or has no duration",
    Reason.FRAME_RATE_OUT_OF_RANGE: "the frame rate is outside the limits",
    Reason.AUDIO_TOO_SHORT: "the sound covers too little of the piece",
    Reason.TOO_SHORT: "fewer frames than a clip needs",
    Reason.NO_FACE: "no face was found",
    Reason.FACE_TOO_SMALL: "the face is smaller than the specification asks for",
    Reason.SEVERAL_FACES: "more than one face of comparable size",
    Reason.FACE_LOST: "the face was found in too few frames",
    Reason.FAMILY_MISSING: "frames, landmarks or audio that the version needs are not there for it",
    Reason.FILTERED: "a filter of the version left it out",
    Reason.TIME_LIMIT: "handling it took longer than its allowance",
    Reason.MEMORY_LIMIT: "handling it took more memory than allowed",
    Reason.CRASHED: "the process that handled it died, twice",
}
