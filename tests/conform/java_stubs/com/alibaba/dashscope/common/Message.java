package com.alibaba.dashscope.common;

public class Message {}
