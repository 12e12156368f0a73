"""Writes the frames of videos that differ, as an image data set."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.progress import OnProgress
from .adapter.curation.frames import FrameChoice, FramesReport, sample_frames
from .adapter.ui.inputs import ask_folder, folder_of, new_folder
from .adapter.ui.surface import LONG, LongOperator, keywords


class SampleFrames(LongOperator):
    """``@winnow/curate/sample_frames``"""

    form_names = ("about",)

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="sample_frames",
            label="Winnow: sample the frames that differ",
            description="Write the frames of videos that differ to a new folder and "
            "data set",
            icon="movie",
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(FrameChoice, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: FrameChoice,
        on_progress: OnProgress,
    ) -> FramesReport:
        """Writes the frames of videos that differ, and makes a data set of them.

        Every ``every`` seconds a frame is looked at, and written as a JPEG if it
        differs from the last one that was. No ffmpeg is needed, and a video that is
        damaged or hangs costs itself alone. Samples have ``video_id``,
        ``frame_number`` (from 1) and ``timestamp`` (seconds), the tags of the video,
        and its labels and those of the frame.

        Example::

            sample_frames = foo.get_operator("@winnow/curate/sample_frames")
            report = sample_frames(videos, "my-frames")
            print(report)

        Args:
            samples: a data set of videos, or a view of it

        Returns:
            a :class:`operators.adapter.curation.frames.FramesReport`, whose
            ``dataset`` has the frames

        Raises:
            InputError: an argument is not valid; nothing was written
            CurationError: the folder cannot be written
        """
        folder = new_folder(options.output_dir)
        return sample_frames(samples, folder, options, on_progress)

    def chosen(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        return {**ctx.params, "output_dir": folder_of(ctx.params)}

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.view_target(ctx, action_description="Sample")
        ask_folder(inputs, "output_dir", "Folder for the frames")
        inputs.float(
            "every",
            default=FrameChoice.every,
            label="Seconds between frames",
            description="How often a frame is looked at",
        )
        inputs.float(
            "min_change",
            default=FrameChoice.min_change,
            label="Least change",
            description="Cosine distance from the last kept frame. Higher keeps fewer",
        )
        inputs.bool(
            "keep_parts",
            default=False,
            label="Keep what differs in a part",
            description="Something small that came or went. Where something always "
            "moves, nearly all frames are kept",
        )
        inputs.str("name", label="Name of the new data set")
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Sample the frames that differ", submit_button_label="Sample"
            ),
        )
