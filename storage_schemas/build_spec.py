"""The specification of a dataset build: every choice that decides which bytes come out, each with a default."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from storage_schemas.form_titles import form_title


class Layout(StrEnum):
    """How the source folder is laid out."""

    FOLDER = "folder"
    MEAD = "mead"
    HDTF = "hdtf"
    FFHQ = "ffhq"
    DEMO = "demo"


class SeveralFaces(StrEnum):
    """What to do with a piece of video in which more than one face of comparable size is seen."""

    REJECT = "reject"
    LARGEST = "largest"


class LandmarkModel(StrEnum):
    """Which MediaPipe interface finds the 478 landmarks."""

    FACE_MESH = "face_mesh"
    FACE_LANDMARKER = "face_landmarker"


class SplitMethod(StrEnum):
    """How clips are divided into train, validation and test."""

    BY_CORPUS = "by_corpus"
    BY_SPEAKER = "by_speaker"
    BY_LISTS = "by_lists"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", field_title_generator=form_title)


class CorpusSettings(_Settings):
    """Which recordings of the source folder are wanted, and the files that describe them."""

    labels_csv: str = Field("", description="folder: CSV with columns path, speaker, emotion, language (paths relative to the source)")
    views: list[str] = Field(default_factory=list, description="mead: camera views to take; empty: all, e.g. ['front']")
    levels: list[int] = Field(default_factory=list, description="mead: intensity levels to take; empty: all, e.g. [3]")
    emotions: list[str] = Field(default_factory=list, description="Emotions to take; empty: all")
    annotations: str = Field("", description="hdtf: folder of the annotation files; empty: the source folder itself")
    licence: str = Field("", description="Licence note stored with every clip where the corpus gives none")
    consent: str = Field("", description="Consent note stored with every clip where the corpus gives none")


class CropSettings(_Settings):
    """How faces are followed, cut into clips and cropped."""

    size_px: int = Field(512, ge=64, le=1024, description="Side of the square crop")
    jpeg_quality: int = Field(95, ge=50, le=100, description="Quality of the stored frames")
    fps: int = Field(25, ge=25, le=25, description="Frame rate of every clip; the models and the audio features are tied to it")
    margin: float = Field(
        0.4, ge=0.0, le=1.5, description="Margin added around the union of the face boxes, as a share of its longer side, on each side"
    )
    min_face_px: int = Field(48, ge=16, description="Smallest mean height of the face box in source pixels")
    min_clip_s: float = Field(1.0, gt=0, description="Shorter pieces are rejected")
    max_clip_s: float = Field(300.0, gt=0, description="Longer pieces are cut at this length")
    max_gap_s: float = Field(0.2, ge=0, description="Longest run without a face, or without a source frame, inside a clip")
    min_detection_rate: float = Field(0.95, ge=0, le=1, description="Smallest share of a clip's frames with a face")
    several_faces: SeveralFaces = SeveralFaces.REJECT
    frame_reader: Literal["auto", "pyav"] = Field("auto", description="auto: decord where it is safe, PyAV elsewhere")


class LandmarkSettings(_Settings):
    """Which landmark model is run."""

    model: LandmarkModel = LandmarkModel.FACE_MESH
    task_file: str = Field("", description="Path of face_landmarker.task when model is face_landmarker")


class AudioSettings(_Settings):
    """Audio features; the log-mel parameters are those of Wav2Lip and SadTalker."""

    required: bool = Field(True, description="Reject recordings without an audio stream")
    sample_rate_hz: int = Field(16000, ge=16000, le=16000, description="Of the stored sound; the models are tied to it")
    n_fft: int = Field(800, ge=16, description="Samples of a spectrum")
    hop_samples: int = Field(200, ge=1, description="Samples from one spectrum to the next")
    n_mels: int = Field(80, ge=80, le=80, description="Mel bins; the models are tied to it")
    fmin_hz: float = Field(55.0, ge=0, description="Lowest frequency of the mel bins")
    fmax_hz: float = Field(7600.0, gt=0, description="Highest frequency of the mel bins")
    preemphasis: float = Field(0.97, ge=0, lt=1, description="How much high frequencies are raised")
    min_level_db: float = Field(-100.0, le=0, description="Level that becomes the lowest value")
    ref_level_db: float = Field(20.0, ge=-200, le=200, description="Level that is taken off")
    max_abs_value: float = Field(4.0, gt=0, description="Largest value of the features")


class SplitSettings(_Settings):
    """How clips are divided; by default as the corpus itself says, else by speaker, so that no speaker is on both sides."""

    method: SplitMethod = Field(
        SplitMethod.BY_CORPUS,
        description="by_corpus: by the lists splits/train.txt, validation.txt and test.txt in the source folder where it has one of them, "
        "else by_speaker; by_speaker; by_lists: by the lists named below",
    )
    validation_share: float = Field(0.05, ge=0, lt=1, description="Expected share of speakers in validation")
    test_share: float = Field(0.05, ge=0, lt=1, description="Expected share of speakers in test")
    seed: int = Field(0, description="Decides, with their names, which speakers are where")
    test_speakers: list[str] = Field(default_factory=list, description="Speakers always put in test, e.g. ['M003','M030']")
    train_list: str = Field("", description="by_lists: JSON or text file of names, e.g. EDTalk's train.json")
    validation_list: str = Field("", description="by_lists: likewise for validation")
    test_list: str = Field("", description="by_lists: likewise for test")

    @model_validator(mode="after")
    def _check_shares(self) -> SplitSettings:
        if self.validation_share + self.test_share >= 1:
            msg = f"validation_share + test_share must be under 1, got {self.validation_share + self.test_share}"
            raise ValueError(msg)
        return self


class FaceModelPolicy(StrEnum):
    """Which face model the coefficients are fitted with."""

    REUSE = "reuse"
    REFIT = "refit"
    NAMED = "named"


class FaceModelSettings(_Settings):
    """The face model that is learned or taken, the fit of its coefficients, and what a fit must be like."""

    enabled: bool = Field(True, description="Make or reuse a face model and store the coefficients fitted with it")
    policy: FaceModelPolicy = Field(
        FaceModelPolicy.REUSE,
        description="reuse: the store's current model if it was learned with these settings, else learn one; refit: learn one from this "
        "corpus; named: the model of that name",
    )
    name: str = Field("", description="named: id of a model in the store, or the beginning of one")
    depth_weight: float = Field(0.1, gt=0, le=1, description="Weight of MediaPipe's depth against image coordinates")
    largest_angle_deg: float = Field(35.0, gt=0, le=80, description="Frames with more pitch or yaw are not learned from")
    frames_per_clip: int = Field(250, ge=1, description="Longer clips are sampled evenly down to this many frames for learning")
    smooth_speakers: float = Field(5.0, gt=0, description="Weight of the smooth identity prior, in speakers")
    landmark_noise: float = Field(0.003, gt=0, description="Standard error of a landmark in inter-ocular distances")
    identity_frames: int = Field(64, ge=1, description="Frames of a clip that its identity is fitted to")
    pose_smoothing: float = Field(3.0, ge=0, description="Strength of pose smoothing; 0: none")
    expression_smoothing: float = Field(0.5, ge=0, description="Strength of the smoothing of still skin; 0: none")
    max_error_percent_iod: float = Field(
        3.0, gt=0, description="Clips with a larger median distance of landmarks from the fit are rejected"
    )
    max_flagged_share: float = Field(0.5, ge=0, le=1, description="Clips with a larger share of flagged frames are rejected")

    @model_validator(mode="after")
    def _check_name(self) -> FaceModelSettings:
        if (self.policy is FaceModelPolicy.NAMED) != bool(self.name):
            msg = f"policy named and a name go together, got policy {self.policy.value!r} and name {self.name!r}"
            raise ValueError(msg)
        return self


class JudgeSettings(_Settings):
    """The trained judges that clips must please; none by default, since a judge has to be trained on clips first."""

    sync: str = Field("", description="Run of the sync expert in this store, e.g. sync/latest, that judges sync; empty: nobody")
    max_offset_frames: int = Field(3, ge=0, le=15, description="Clips whose sound is found further from its pictures are rejected")
    min_sync_confidence: float = Field(0.02, ge=0, description="Clips in which no offset stands out by as much are rejected; 0: none")
    emotion: str = Field("", description="Run of the emotion judge in this store, e.g. emotion/latest, that judges labels; empty: nobody")
    min_label_probability: float = Field(
        0.05, ge=0, le=1, description="Clips whose label the judge finds less likely are rejected as wrongly labelled"
    )

    @property
    def asked(self) -> bool:
        """Whether anybody judges."""
        return bool(self.sync or self.emotion)


class PartSettings(_Settings):
    """How large the parts are; expected values, the boundaries are content-defined."""

    target_recordings: int = Field(16, ge=1, description="Expected number of recordings in a part")
    target_source_bytes: int = Field(512 * 2**20, ge=1, description="A recording this large usually ends a part")


class LimitSettings(_Settings):
    """What one recording may cost before it is given up, and what a build must keep."""

    max_duration_s: float = Field(4 * 3600.0, gt=0, description="Longest recording that is opened")
    max_side_px: int = Field(8192, ge=64, description="Largest frame side that is decoded")
    min_side_px: int = Field(64, ge=16, description="Smallest frame side that is decoded")
    min_fps: float = Field(12.0, gt=0, description="Slowest source rate")
    max_fps: float = Field(240.0, gt=0, description="Fastest source rate")
    memory_mb: int = Field(3000, ge=256, description="Resident memory of the process that handles one recording")
    base_time_s: float = Field(
        60.0, gt=0, description="Wall-clock seconds before anything is handled (one more for every megabyte), and between signs of progress"
    )
    time_per_media_s: float = Field(20.0, gt=0, description="Wall-clock seconds added for every second of video handled")
    min_keep_rate: float = Field(0.0, ge=0, le=1, description="A build that keeps a smaller share of its recordings fails")


class BuildSections(_Settings):
    """The sections of a specification."""

    corpus: CorpusSettings = CorpusSettings()
    crop: CropSettings = CropSettings()
    landmarks: LandmarkSettings = LandmarkSettings()
    audio: AudioSettings = AudioSettings()
    face_model: FaceModelSettings = FaceModelSettings()
    judges: JudgeSettings = JudgeSettings()
    split: SplitSettings = SplitSettings()
    parts: PartSettings = PartSettings()
    limits: LimitSettings = LimitSettings()


class BuildSpec(BuildSections):
    """Everything that decides the content of a dataset version; where things are and how many workers run is not in it."""

    name: str = Field("dataset", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name of the dataset, e.g. mead-front")
    layout: Layout = Layout.FOLDER
