"""What people call splits."""

import pytest

from core.reading.split_names import (
    is_split_name,
    split_name,
    split_names_among,
    split_role,
)
from core.scan.scan_data import evaluation_splits

TRAIN = "train Train TRAINING training_set Train-Data trn trainset train2017 train_A"
TRAIN += " trainB train_images imagesTrain train_val trainval X_train minitrain 训练集"
VALIDATION = "val valid Validation val_set valset dev val2017 minival validation.new"
TEST = "test Testing test_set TestData tst test1 test-dev2017 test_images 测试"
TRAIN += " entrenamiento Treino entraînement Trainingsdaten обучение 学習データ 학습"
VALIDATION += " validación Validierung валидация 検証用データ 검증"
VALIDATION += " validac\N{COMBINING ACUTE ACCENT}ion"
TEST += " prueba Testdaten teste тест テスト テストデータ 테스트"


@pytest.mark.parametrize(
    ("role", "names"), [("train", TRAIN), ("validation", VALIDATION), ("test", TEST)]
)
def test_the_names_of_a_split_and_what_it_is_for(role, names):
    for name in names.split():
        assert is_split_name(name) and split_role(name) == role, name
    assert split_role("hold-out") == "holdout"


@pytest.mark.parametrize(
    "name",
    "cats fold1 fold_3 cv2 contest pretrained trains testimony value devices "
    "train_test_split part1 2017 _ seg_pred images".split(),
)
def test_names_that_speak_of_no_split(name):
    assert split_name(name) is None
    assert not is_split_name(name)


def test_other_words_need_a_sibling_with_the_same_words_and_another_role():
    assert not is_split_name("seg_train")
    assert split_names_among(["seg_train", "seg_pred", "seg_test"]) == [
        "seg_train",
        "seg_test",
    ]
    assert split_names_among(["DIV2K_train_HR", "DIV2K_valid_HR"]) == [
        "DIV2K_train_HR",
        "DIV2K_valid_HR",
    ]
    assert split_names_among(["steam_train", "test_tube", "flask"]) == []
    assert split_names_among(["steam_train", "train"]) == ["train"]


def test_images_of_a_split_that_is_tested_on_stay_however_it_is_called():
    names = ["seg_train", "seg_test", "Validation", "training", "extra", "valley"]

    assert evaluation_splits(names) == [1, 2]
