package com.alibaba.dashscope.common;

public class History {}
