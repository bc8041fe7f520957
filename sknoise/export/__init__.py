"""Trained models for others to load: ONNX, and Keras's saved models."""

from sknoise.export._keras import register_keras
from sknoise.export._onnx import register_onnx

__all__ = ["register_keras", "register_onnx"]
