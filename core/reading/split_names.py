"""What people call the folders and tags of a split: train, seg_test, val2017."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

NO_SPLIT_FOLDER = "no split"
"""Beside folders of splits, the one of images that are in none of them."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"

_ROLES = {
    TRAIN: "train training trainings trainval trn entrenamiento treino treinamento "
    "entrainement apprentissage addestramento trening egitim обучение обучающая "
    "тренировка тренировочная 训练 訓練 学習 훈련 학습",
    VALIDATION: "val valid validation validate validating vld dev validacion validacao "
    "validierung validazione walidacja валидация валидационная 验证 驗證 検証 검증",
    TEST: "test testing testdev tst prueba pruebas teste prova тест тестовая "
    "测试 測試 テスト 테스트 시험",
    "evaluation": "eval evaluation evaluating evaluacion avaliacao 评估 評価 평가",
    "holdout": "holdout heldout",
}


def _plain(text: str) -> str:
    """Returns a text without case and accents, however those are written."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(one for one in apart if not unicodedata.combining(one))
    return unicodedata.normalize("NFC", kept)


_ROLE_OF = {
    _plain(word): role for role, words in _ROLES.items() for word in words.split()
}
# Words that say nothing of what is in the folder
_FILLERS = (
    "set sets data dataset datasets split splits subset part image images img imgs "
    "pic pics picture pictures photo photos file files folder sample samples full "
    "mini small large new final all orig original raw clean cleaned processed "
    "resized cropped augmented aug jpg jpeg png rgb"
)
_ANY_ROLE = "|".join(sorted(_ROLE_OF, key=len, reverse=True))
_MAY_SPEAK = re.compile(rf"{_ANY_ROLE}|hold|held", re.IGNORECASE)
_GLUED = re.compile(
    rf"(mini|full)?({_ANY_ROLE})"
    r"(set|data|dataset|split|imgs?|images?|folder|files?|daten|"
    + _plain("用?データ|セット|数据集?|集|데이터|셋")
    + ")?"
)
_WORD = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class SplitName:
    """How a name speaks of a split.

    Attributes:
        role: ``TRAIN``, ``VALIDATION``, ``TEST``, "evaluation" or "holdout"
        rest: the name's other words, ``("seg",)`` of ``seg_train``; numbers, single
            letters and words such as "set" or "images" are none
    """

    role: str
    rest: tuple[str, ...]


def split_name(name: str) -> SplitName | None:
    """Returns how a name speaks of a split; None if it does not.

    Of two roles ``train_val`` is trained with and ``test-dev`` is not;
    ``train_test_split`` holds both, and is none.
    """
    # Most folders are classes, and there may be 20,000 of them
    if not _MAY_SPEAK.search(name if name.isascii() else _plain(name)):
        return None
    roles, rest = set(), []
    for word in _words(name):
        glued = _GLUED.fullmatch(word)
        if glued:
            roles.add(_ROLE_OF[glued[2]])
        elif word not in _FILLERS.split() and len(word) > 1:
            rest.append(word)
    if VALIDATION in roles and len(roles) == 2:
        roles.remove(VALIDATION)
    return SplitName(roles.pop(), tuple(rest)) if len(roles) == 1 else None


def is_split_name(name: str) -> bool:
    """True for train, val, test and the like: ``test_set``, not ``test tube``."""
    found = split_name(name)
    return found is not None and not found.rest


def split_role(name: str) -> str | None:
    """Returns which role a split's name speaks of, None for another name."""
    found = split_name(name)
    return found.role if found else None


def split_names_among(names: Collection[str]) -> list[str]:
    """Returns those of some sibling folders that are called like splits, in order.

    A name with other words counts if a sibling has the same words and another
    role: ``seg_train`` beside ``seg_test``, but not ``steam_train`` beside
    ``test_tube``.
    """
    found = {name: one for name in names if (one := split_name(name)) is not None}
    roles: dict[tuple[str, ...], set[str]] = {}
    for one in found.values():
        roles.setdefault(one.rest, set()).add(one.role)
    return [
        name for name, one in found.items() if not one.rest or len(roles[one.rest]) > 1
    ]


def _words(name: str) -> list[str]:
    text = _plain(_HUMP.sub(" ", name))
    text = re.sub(r"(hold|held)[\W_]+out", r"\1out", text)
    return _WORD.findall(text)
