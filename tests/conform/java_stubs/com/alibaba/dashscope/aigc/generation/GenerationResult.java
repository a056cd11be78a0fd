package com.alibaba.dashscope.aigc.generation;

public final class GenerationResult {}
