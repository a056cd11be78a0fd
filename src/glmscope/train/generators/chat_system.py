"""System messages as applications commonly send them. They change no answer."""

from __future__ import annotations

import random

from glmscope.text.prompt import PromptMessage

SYSTEM_SHARE = 0.25
"""How often a dialogue begins with one of them."""

_SYSTEM_MESSAGES = (
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a helpful AI assistant.",
    "You are a helpful, harmless and honest assistant.",
    "You are ChatGLM3, a large language model trained by Zhipu.AI. "
    "Follow the user's instructions carefully. Respond using markdown.",
    "You are an AI assistant. Answer the user's questions.",
    "You are a friendly chatbot.",
    "You are a polite assistant. Keep your answers short.",
    "You are an assistant that answers clearly and briefly.",
    "Answer the user's questions as well as you can.",
    "Be concise.",
    "You are a knowledgeable assistant who speaks Chinese and English.",
    "You are a customer service assistant.",
    "You are a teacher who explains things simply.",
    "Respond in the language of the user.",
    "You are a large language model.",
    "你是一个有用的助手。",
    "你是一个乐于助人的助手。",
    "你是一个智能助手，请回答用户的问题。",
    "你是一个人工智能助手。",
    "你是一位友好的聊天助手。",
    "你是ChatGLM3，一个由智谱AI训练的大语言模型。请仔细遵循用户的指示。",
    "你是达摩院的生活助手机器人。",
    "你是一个生活助手，请用简洁的语言回答。",
    "你是一名客服，请礼貌地回答用户。",
    "请用简洁、准确的语言回答问题。",
    "请认真回答用户的每一个问题。",
    "你是一位知识渊博的老师，请耐心回答学生的问题。",
    "你是一个大语言模型，请遵守法律，礼貌回答。",
    "你是小助手，请帮助用户解决问题。",
    "你是一个中英文双语助手。",
    "你是一个AI助手，请如实回答。",
)


def opening(rng: random.Random) -> tuple[PromptMessage, ...]:
    """A system message, or (mostly) nothing."""
    if rng.random() >= SYSTEM_SHARE:
        return ()
    return (PromptMessage("system", rng.choice(_SYSTEM_MESSAGES)),)
