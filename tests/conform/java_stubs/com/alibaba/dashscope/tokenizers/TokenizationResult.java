package com.alibaba.dashscope.tokenizers;

public class TokenizationResult {}
