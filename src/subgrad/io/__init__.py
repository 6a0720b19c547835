"""Files: models and checkpoints as safetensors, written so that a crash leaves the old file or the new one."""

from subgrad.io.model_file import load, load_module, read_info, read_model_file, save, write_model_file

__all__ = ["load", "load_module", "read_info", "read_model_file", "save", "write_model_file"]
